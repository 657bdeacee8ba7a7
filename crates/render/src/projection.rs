//! Desired state of a projection and its Secret.

use std::collections::BTreeMap;

use extension_registry_api::projection::RecordReference;
use extension_registry_api::{
    ExtensionProjection, ExtensionProjectionSpec, GROUP, MANAGED_BY, MANAGED_BY_LABEL, VERSION,
};
use extension_registry_core::projection::{Identity, Layout, MissingSource};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_seal::{KEYS_SECRET, RESEAL};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;

use crate::ObjectKey;
use crate::source::{KeyView, ValueView};

/// Size limit of the API server for the data of a Secret, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Desired state of a projection.
pub struct Rendered {
    /// The projection, owned by its record.
    pub projection: ExtensionProjection,
    /// The Secret; the caller sets its owner once the projection has a UID.
    pub secret: Secret,
}

/// Renders a choice for a namespace. The UID of the record is for the owner reference.
///
/// # Errors
/// Returns a refusal if a source is missing, or the Secret would be too large.
pub fn render(
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
    record_uid: &str,
    values: &ValueView,
) -> Result<Rendered, Refusal> {
    let data = Layout::new(choice, &values.keys)
        .and_then(|layout| layout.render(choice, values))
        .map_err(|missing| missing_sources(&missing, &values.keys))?;
    check_size(choice, &data)?;
    Ok(Rendered {
        projection: projection(key, identity, record_uid),
        secret: secret(key, identity, data),
    })
}

/// Data of a Secret.
pub(crate) type Data = BTreeMap<String, Vec<u8>>;

/// Checks that a Secret is not too large for the API server.
pub(crate) fn check_size(choice: &Choice, data: &Data) -> Result<(), Refusal> {
    let sizes = data.iter().map(|(key, value)| key.len() + value.len());
    let size: usize = sizes.sum();
    if size <= MAX_BYTES {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::TooLarge,
        format!(
            "{} renders to {size} bytes (limit {MAX_BYTES})",
            choice.record.key
        ),
        "reduce the size of the record's configuration or of the source Secret",
    ))
}

/// Creates the refusal for missing sources. It is not stalled, because another object can supply them at
/// any time.
#[must_use]
pub fn missing_sources(missing: &[MissingSource], keys: &KeyView) -> Refusal {
    let is_sealed = |missing: &MissingSource| matches!(missing, MissingSource::Sealed { .. });
    let texts: Vec<String> = missing
        .iter()
        .map(|missing| match missing {
            MissingSource::Secret { secret } => keys
                .problem(secret)
                .map_or_else(|| missing.to_string(), str::to_owned),
            MissingSource::Key { .. } => format!("{missing}; add the key"),
            MissingSource::Sealed { .. } => format!(
                "{missing}: its encryption key is not in Secret {KEYS_SECRET}, or it was sealed for another record or entry"
            ),
        })
        .collect();
    let (reason, hint) = if missing.iter().all(is_sealed) {
        (Reason::DecryptionFailed, RESEAL)
    } else {
        (Reason::SecretMissing, "")
    };
    Refusal::new(reason, texts.join("; "), hint)
}

pub(crate) fn projection(
    key: &ObjectKey,
    identity: &Identity,
    record_uid: &str,
) -> ExtensionProjection {
    let spec = ExtensionProjectionSpec::from(identity);
    let RecordReference { name, .. } = &spec.record;
    let owner = OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: identity.record.kind().as_str().to_owned(),
        name: name.clone(),
        uid: record_uid.to_owned(),
        controller: Some(true),
        // OwnerReferencesPermissionEnforcement rejects `true`.
        block_owner_deletion: Some(false),
    };
    let mut projection = ExtensionProjection::new(&key.name, spec);
    projection.metadata = ObjectMeta {
        owner_references: Some(vec![owner]),
        ..metadata(key)
    };
    projection
}

pub(crate) fn secret(key: &ObjectKey, identity: &Identity, data: Data) -> Secret {
    Secret {
        metadata: metadata(key),
        type_: Some(format!("servicebinding.io/{}", identity.binding_type)),
        data: Some(
            data.into_iter()
                .map(|(key, value)| (key, ByteString(value)))
                .collect(),
        ),
        ..Secret::default()
    }
}

/// Returns the rendered Secret of an identity without its data, to find it.
#[must_use]
pub fn secret_of(key: &ObjectKey, identity: &Identity) -> Secret {
    secret(key, identity, Data::default())
}

fn metadata(key: &ObjectKey) -> ObjectMeta {
    ObjectMeta {
        name: Some(key.name.to_string()),
        namespace: Some(key.namespace.to_string()),
        labels: Some([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

/// Returns the owner reference of a rendered Secret.
#[must_use]
pub fn secret_owner(key: &ObjectKey, projection_uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: ExtensionProjection::api_version(&()).into_owned(),
        kind: ExtensionProjection::kind(&()).into_owned(),
        name: key.name.to_string(),
        uid: projection_uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}
