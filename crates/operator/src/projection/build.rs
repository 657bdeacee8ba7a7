//! The objects as they should be. No client here.

use extension_registry_api::ExtensionProjection;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::projection::{Rendered, render};
use extension_registry_core::projection::Identity;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Choice;
use k8s_openapi::api::core::v1::Secret;

use crate::digest::DigestKey;
use crate::projection::dereference::Dereferenced;

/// What is to be written.
pub(super) struct Prepared {
    /// The projection, owned by its record.
    pub(super) projection: ExtensionProjection,
    /// uid of the record.
    pub(super) owner: String,
    /// The Secret; its owner is set once the projection has a uid.
    pub(super) secret: Secret,
    /// Keyed digest of the data.
    pub(super) digest: String,
    /// Names of the keys.
    pub(super) keys: Vec<String>,
}

pub(super) fn run(
    digest_key: &DigestKey,
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
    dereferenced: &Dereferenced,
) -> Result<Prepared, Refusal> {
    let Dereferenced {
        record_uid, values, ..
    } = dereferenced;
    let Rendered { projection, secret } = render(key, identity, choice, record_uid, values)?;
    let data = secret.data.iter().flatten();
    Ok(Prepared {
        digest: digest_key.of_data(&key.namespace, &key.name, data.clone()),
        keys: data.map(|(key, _)| key.clone()).collect(),
        projection,
        owner: record_uid.to_string(),
        secret,
    })
}
