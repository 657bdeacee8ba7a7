//! The values of credentials in the JSON of a record, which sealing replaces, and the Secrets into
//! which earlier versions moved them.

mod values;
mod walk;

use extension_registry_api::{SEALED_LABEL, SEALED_TYPE};
use extension_registry_core::record::{RecordKey, SourceSecret};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use values::{inline_values, with_sealed};
pub use walk::{Entry, EntryKey, entries, inline_entries, references};

/// Name of the Secret with the keys of sealed values, in the namespace of the operator.
pub const KEYS_SECRET: &str = "extension-registry-sealing-keys";

/// The way out where a sealed value cannot be decrypted.
pub const RESEAL: &str = "apply the record again with `value` in place of `valueFrom`";

/// Annotation of a sealed Secret: kind of the record that it serves.
pub const RECORD_KIND: &str = "registry.fuseml.io/record-kind";
/// Annotation of a sealed Secret: namespace of that record.
pub const RECORD_NAMESPACE: &str = "registry.fuseml.io/record-namespace";
/// Annotation of a sealed Secret: name of that record.
pub const RECORD_NAME: &str = "registry.fuseml.io/record-name";

/// Which records a Secret serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It is an ordinary Secret.
    Open,
    /// It is sealed, for this record.
    For(RecordKey),
    /// It says that it is sealed, but not as the operator seals: it serves none.
    Broken,
}

impl Seal {
    /// What a Secret says.
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

    /// Whether a record may have its values by a reference of this form.
    #[must_use]
    pub fn admits(&self, record: &RecordKey, secret: &SourceSecret) -> bool {
        match secret {
            SourceSecret::Kept(_) => *self == Self::Open,
            SourceSecret::Sealed(_) => matches!(self, Self::For(owner) if owner == record),
        }
    }
}

/// The record that a sealed Secret names.
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
