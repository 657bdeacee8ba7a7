//! Keyed digests: they tell whether a value changed without telling anything about the value.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

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

    /// A new random key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; KEY_LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes, to be stored.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// HMAC-SHA256 over namespace, projection and every key with its value, each with its length
    /// (security, section 2): equal values in two places have different digests.
    pub(crate) fn of_data(
        &self,
        namespace: &str,
        projection: &str,
        data: &BTreeMap<String, Vec<u8>>,
    ) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(namespace.as_bytes());
        part(projection.as_bytes());
        for (key, value) in data {
            part(key.as_bytes());
            part(value);
        }
        hex(&mac.finalize().into_bytes())
    }
}

/// Plain SHA-256 of something that holds no value: a generated pipeline.
pub(crate) fn of_public(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::DigestKey;

    #[test]
    fn place_key_and_boundaries_count() {
        let key = DigestKey::from_bytes(&[7; 32]).unwrap();
        let data = |pairs: &[(&str, &str)]| -> BTreeMap<String, Vec<u8>> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
                .collect()
        };
        let digests = [
            key.of_data("a", "p", &data(&[("k", "v")])),
            key.of_data("b", "p", &data(&[("k", "v")])),
            key.of_data("a", "q", &data(&[("k", "v")])),
            key.of_data("a", "p", &data(&[("kv", "")])),
            key.of_data("a", "p", &data(&[("k", "w")])),
            DigestKey::from_bytes(&[8; 32])
                .unwrap()
                .of_data("a", "p", &data(&[("k", "v")])),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
}
