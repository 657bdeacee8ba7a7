//! Sealed Secrets: values that people wrote into a record, moved out of it before it was stored
//! (security, section 4).
//!
//! A sealed Secret never changes. Its name ends in a digest of the record, the place and the values,
//! so another value is another Secret, and a record that is refused has changed nothing: it only
//! left a Secret that no record names, which [`collect`] deletes. [`plan`] decides and does nothing;
//! the door of records writes.

pub(crate) mod collect;
mod last_applied;
mod lately;

pub(crate) use last_applied::{LastApplied, rewrite};
pub(crate) use lately::Lately;

use extension_registry_binding::seal::Plan;
use extension_registry_core::record::RecordKey;
use serde_json::Value;

use crate::digest::DigestKey;

/// Purpose of the digest in the name of a sealed Secret.
const PURPOSE: &str = "sealed";

/// Decides what is sealed, under names that tell nothing without the key.
pub(crate) fn plan(key: &DigestKey, record: &RecordKey, spec: &Value) -> Plan {
    let digest = |parts: Vec<&[u8]>| key.of_purpose(PURPOSE, parts);
    extension_registry_binding::seal::plan(&digest, record, spec)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod kinds {
    use extension_registry_binding::seal::{RECORD_KIND, RECORD_NAMESPACE, Seal};
    use extension_registry_core::record::RecordKey;

    use super::plan;
    use crate::digest::DigestKey;

    #[test]
    fn only_what_the_operator_seals_is_sealed() {
        let key = DigestKey::from_bytes(&[7; 32]).unwrap();
        let spec = serde_json::json!({"services": [{"name": "s", "credentials": [
            {"name": "c", "configuration": [{"name": "K", "value": "v"}]}]}]});
        for record in [
            RecordKey::cluster("store"),
            RecordKey::project("alpha", "store"),
        ] {
            let secret = || plan(&key, &record, &spec).secrets.remove(0).object(&record);
            assert_eq!(Seal::of(&secret()), Seal::For(record.clone()));

            let mut changed = secret();
            changed.immutable = None;
            assert_eq!(Seal::of(&changed), Seal::Broken);
            let mut changed = secret();
            changed.metadata.labels = None;
            assert_eq!(Seal::of(&changed), Seal::Broken);
            let mut changed = secret();
            changed.type_ = Some("Opaque".to_owned());
            assert_eq!(Seal::of(&changed), Seal::Open);
            let mut changed = secret();
            let annotations = changed.metadata.annotations.get_or_insert_default();
            annotations.insert(RECORD_KIND.to_owned(), "Workflow".to_owned());
            assert_eq!(Seal::of(&changed), Seal::Broken);
            let mut changed = secret();
            let annotations = changed.metadata.annotations.get_or_insert_default();
            annotations.insert(RECORD_NAMESPACE.to_owned(), "beta".to_owned());
            assert_ne!(Seal::of(&changed), Seal::For(record));
        }
    }
}
