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
mod plan;
mod walk;

use extension_registry_api::{SEALED_LABEL, SEALED_TYPE};
use extension_registry_core::record::{RecordKey, SourceSecret};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub(crate) use last_applied::{LastApplied, rewrite};
pub(crate) use lately::Lately;
pub(crate) use plan::{SealedSecret, plan};
pub(crate) use walk::{inline_fields, references};

const RECORD_KIND: &str = "registry.fuseml.io/record-kind";
const RECORD_NAMESPACE: &str = "registry.fuseml.io/record-namespace";
const RECORD_NAME: &str = "registry.fuseml.io/record-name";

/// Which records a Secret serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// It is an ordinary Secret.
    Open,
    /// It is sealed, for this record.
    For(RecordKey),
    /// It says that it is sealed, but not as the operator seals: it serves none.
    Broken,
}

impl Seal {
    /// What a Secret says.
    pub(crate) fn of(secret: &Secret) -> Self {
        let metadata = &secret.metadata;
        if secret.type_.as_deref() != Some(SEALED_TYPE) {
            return Self::Open;
        }
        let labelled = metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(SEALED_LABEL))
            .is_some_and(|value| value == "true");
        match record_of(metadata) {
            Some(record) if labelled && secret.immutable == Some(true) => Self::For(record),
            _ => Self::Broken,
        }
    }

    /// Whether a record may have its values by a reference of this form.
    pub(crate) fn admits(&self, record: &RecordKey, secret: &SourceSecret) -> bool {
        match secret {
            SourceSecret::Kept(_) => *self == Self::Open,
            SourceSecret::Sealed(_) => matches!(self, Self::For(owner) if owner == record),
        }
    }
}

/// The record that a sealed Secret names.
fn record_of(metadata: &ObjectMeta) -> Option<RecordKey> {
    let annotations = metadata.annotations.as_ref()?;
    let record = RecordKey {
        namespace: annotations
            .get(RECORD_NAMESPACE)
            .map(|namespace| namespace.as_str().into()),
        name: annotations.get(RECORD_NAME)?.as_str().into(),
    };
    let kind = annotations.get(RECORD_KIND)?;
    (record.kind().as_str() == kind).then_some(record)
}

#[cfg(test)]
mod tests {
    use extension_registry_core::record::RecordKey;

    use super::{RECORD_KIND, RECORD_NAMESPACE, Seal, plan};
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
