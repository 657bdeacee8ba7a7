//! Keyed digests, which reveal whether a value changed but nothing about the value.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use k8s_openapi::ByteString;
use sha2::Sha256;

/// Length of the key in bytes.
pub(crate) const KEY_LENGTH: usize = 32;

/// The key of all digests, stored in a Secret of the operator's namespace.
#[derive(Clone)]
pub(crate) struct DigestKey([u8; KEY_LENGTH]);

/// Location of values: a projection and the version of the record from which it was rendered.
#[derive(Clone, Copy)]
pub(crate) struct Location<'a> {
    /// Namespace of the projection.
    pub(crate) namespace: &'a str,
    /// Name of the projection.
    pub(crate) projection: &'a str,
    /// `metadata.uid` of the record.
    pub(crate) record_uid: &'a str,
    /// `metadata.generation` of the record.
    pub(crate) generation: i64,
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl DigestKey {
    /// Creates a key from stored bytes; `None` if there are too few.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.get(..KEY_LENGTH)?.try_into().ok().map(Self)
    }

    /// Computes HMAC-SHA256 over a location and every key with its value, each prefixed with its length.
    ///
    /// Equal values in two Secrets have different digests, and so do equal values of two states of a
    /// record. Otherwise, a user who may change a record could guess its values, because every user who
    /// may view a projection sees whether its digest changes.
    pub(crate) fn digest_data<'d>(
        &self,
        location: &Location<'_>,
        data: impl Iterator<Item = (&'d String, &'d ByteString)>,
    ) -> String {
        let generation = location.generation.to_be_bytes();
        let parts = [
            location.namespace.as_bytes(),
            location.projection.as_bytes(),
            location.record_uid.as_bytes(),
            &generation,
        ];
        let values = data.flat_map(|(key, value)| [key.as_bytes(), value.0.as_slice()]);
        self.digest_parts(parts.into_iter().chain(values))
    }

    fn digest_parts<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for bytes in parts {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        }
        hex::encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::{DigestKey, Location};

    #[test]
    fn digest_depends_on_key_location_record_state_and_boundaries() {
        let key = DigestKey::from_bytes(&[7; 32]).unwrap();
        let data = |pairs: &[(&str, &str)]| -> BTreeMap<String, ByteString> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect()
        };
        let here = Location {
            namespace: "a",
            projection: "p",
            record_uid: "u",
            generation: 1,
        };
        let value = data(&[("k", "v")]);
        let at = |location: Location<'_>| key.digest_data(&location, value.iter());
        let digests = [
            at(here),
            at(Location {
                namespace: "b",
                ..here
            }),
            at(Location {
                projection: "q",
                ..here
            }),
            at(Location {
                record_uid: "w",
                ..here
            }),
            at(Location {
                generation: 2,
                ..here
            }),
            key.digest_data(&here, data(&[("kv", "")]).iter()),
            key.digest_data(&here, data(&[("k", "w")]).iter()),
            DigestKey::from_bytes(&[8; 32])
                .unwrap()
                .digest_data(&here, value.iter()),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
}
