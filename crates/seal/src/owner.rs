//! Secrets to which earlier versions moved values, and the records that own them.

use extension_registry_api::{SEALED_LABEL, SEALED_TYPE};
use extension_registry_core::record::{RecordKey, SourceSecret};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Annotation of a sealed Secret: kind of its record.
pub const RECORD_KIND: &str = "registry.fuseml.io/record-kind";
/// Annotation of a sealed Secret: namespace of its record.
pub const RECORD_NAMESPACE: &str = "registry.fuseml.io/record-namespace";
/// Annotation of a sealed Secret: name of its record.
pub const RECORD_NAME: &str = "registry.fuseml.io/record-name";

/// Records that may use a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// An ordinary Secret.
    Open,
    /// A Secret sealed for this record.
    For(RecordKey),
    /// A Secret with the type of sealed ones that the operator did not seal. No record may use it.
    Broken,
}

impl Seal {
    /// Returns the seal of a Secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
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

    /// Returns whether a record may use the Secret with this kind of reference.
    #[must_use]
    pub fn admits(&self, record: &RecordKey, secret: &SourceSecret) -> bool {
        match secret {
            SourceSecret::Referenced(_) => *self == Self::Open,
            SourceSecret::Sealed(_) => matches!(self, Self::For(owner) if owner == record),
        }
    }
}

/// Returns the record that a sealed Secret names.
#[must_use]
pub fn record_of(metadata: &ObjectMeta) -> Option<RecordKey> {
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
