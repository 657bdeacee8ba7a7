//! Keyed digests: they tell whether a value changed without telling anything about the value.

use std::fmt;

use extension_registry_core::hex::hex;
use hmac::{Hmac, KeyInit, Mac};
use k8s_openapi::ByteString;
use sha2::Sha256;

/// Length of the key in bytes.
pub(crate) const KEY_LENGTH: usize = 32;

/// The key of all digests. It lives in one Secret of the operator's own namespace.
#[derive(Clone)]
pub(crate) struct DigestKey([u8; KEY_LENGTH]);

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl DigestKey {
    /// A key from stored bytes; `None` when there are too few.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.get(..KEY_LENGTH)?.try_into().ok().map(Self)
    }

    /// HMAC-SHA256 over namespace, projection and every key with its value, each with its length
    /// (security, section 2): equal values in two places have different digests.
    pub(crate) fn of_data<'d>(
        &self,
        namespace: &str,
        projection: &str,
        data: impl Iterator<Item = (&'d String, &'d ByteString)>,
    ) -> String {
        let place = [namespace.as_bytes(), projection.as_bytes()];
        let values = data.flat_map(|(key, value)| [key.as_bytes(), value.0.as_slice()]);
        self.of_parts(place.into_iter().chain(values))
    }

    fn of_parts<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for bytes in parts {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        }
        hex(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::DigestKey;

    #[test]
    fn place_key_and_boundaries_count() {
        let key = DigestKey::from_bytes(&[7; 32]).unwrap();
        let data = |pairs: &[(&str, &str)]| -> BTreeMap<String, ByteString> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect()
        };
        let digests = [
            key.of_data("a", "p", data(&[("k", "v")]).iter()),
            key.of_data("b", "p", data(&[("k", "v")]).iter()),
            key.of_data("a", "q", data(&[("k", "v")]).iter()),
            key.of_data("a", "p", data(&[("kv", "")]).iter()),
            key.of_data("a", "p", data(&[("k", "w")]).iter()),
            DigestKey::from_bytes(&[8; 32])
                .unwrap()
                .of_data("a", "p", data(&[("k", "v")]).iter()),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
}
