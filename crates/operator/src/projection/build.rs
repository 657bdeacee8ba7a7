//! Builds the projection and its Secret. Uses no client.

use extension_registry_api::ExtensionProjection;
use extension_registry_core::projection::Identity;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::projection::{Rendered, render};
use k8s_openapi::api::core::v1::Secret;

use crate::digest::{DigestKey, Location};
use crate::projection::dereference::Dereferenced;

/// The objects to write.
pub(super) struct Prepared {
    /// The projection, owned by its record.
    pub(super) projection: ExtensionProjection,
    /// uid of the record.
    pub(super) owner: String,
    /// The Secret; its owner is set once the projection has a uid.
    pub(super) secret: Secret,
    /// Keyed digest of the data.
    pub(super) digest: String,
    /// Digest in the status if the data is unchanged since the last write.
    pub(super) unchanged_digest: Option<String>,
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
        entry,
        record_uid,
        values,
        ..
    } = dereferenced;
    let Rendered { projection, secret } = render(key, identity, choice, record_uid, values)?;
    let data = secret.data.iter().flatten();
    let digest = |generation: i64| {
        let location = Location {
            namespace: &key.namespace,
            projection: &key.name,
            record_uid,
            generation,
        };
        digest_key.digest_data(&location, data.clone())
    };
    let current = digest(choice.record.generation);
    let written = entry
        .as_ref()
        .and_then(|entry| entry.status.record_generation);
    let unchanged_digest = written.map(|generation| {
        if generation == choice.record.generation {
            current.clone()
        } else {
            digest(generation)
        }
    });
    Ok(Prepared {
        digest: current,
        unchanged_digest,
        keys: data.map(|(key, _)| key.clone()).collect(),
        projection,
        owner: record_uid.to_string(),
        secret,
    })
}
