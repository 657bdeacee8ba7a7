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

/// The place of values: a projection, and the state of the record that it was rendered from.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
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
    /// A key from stored bytes; `None` when there are too few.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.get(..KEY_LENGTH)?.try_into().ok().map(Self)
    }

    /// Returns the HMAC-SHA256 of a place and of every key with its value, each with its length.
    ///
    /// Equal values in two places have different digests, and so do equal values of two states of a
    /// record: otherwise a user who may change a record could guess values, because everybody who may
    /// view a projection sees whether its digest changes.
    pub(crate) fn of_data<'d>(
        &self,
        place: &Place<'_>,
        data: impl Iterator<Item = (&'d String, &'d ByteString)>,
    ) -> String {
        let generation = place.generation.to_be_bytes();
        let place = [
            place.namespace.as_bytes(),
            place.projection.as_bytes(),
            place.record_uid.as_bytes(),
            &generation,
        ];
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

    use super::{DigestKey, Place};

    #[test]
    fn digests_depend_on_place_record_state_key_and_boundaries() {
        let key = DigestKey::from_bytes(&[7; 32]).unwrap();
        let data = |pairs: &[(&str, &str)]| -> BTreeMap<String, ByteString> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect()
        };
        let here = Place {
            namespace: "a",
            projection: "p",
            record_uid: "u",
            generation: 1,
        };
        let value = data(&[("k", "v")]);
        let at = |place: Place<'_>| key.of_data(&place, value.iter());
        let digests = [
            at(here),
            at(Place {
                namespace: "b",
                ..here
            }),
            at(Place {
                projection: "q",
                ..here
            }),
            at(Place {
                record_uid: "w",
                ..here
            }),
            at(Place {
                generation: 2,
                ..here
            }),
            key.of_data(&here, data(&[("kv", "")]).iter()),
            key.of_data(&here, data(&[("k", "w")]).iter()),
            DigestKey::from_bytes(&[8; 32])
                .unwrap()
                .of_data(&here, value.iter()),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
}
