//! Builds the projection and the Secrets of a binding. Uses no client.

use extension_registry_api::ExtensionProjection;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{self, Described, projection_key};
use k8s_openapi::api::core::v1::Secret;

use crate::binding::dereference::{Dereferenced, Selected, SourceValues, record_version};
use crate::context::Context;
use crate::digest::Location;

/// The objects to write.
pub(super) struct Prepared {
    /// Key of the projection.
    pub(super) key: ObjectKey,
    /// The projection, owned by its record.
    pub(super) projection: ExtensionProjection,
    /// uid of the record.
    pub(super) owner: String,
    /// The Secret with the files; its owner is set once the projection has a uid.
    pub(super) files: Secret,
    /// The Secret with the variables.
    pub(super) environment: Secret,
    /// Keyed digest of both.
    pub(super) digest: String,
    /// Whether the content is the same as when it was last written.
    pub(super) is_unchanged: bool,
    /// Description for the status.
    pub(super) described: Described,
}

pub(super) fn run(
    context: &Context,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    selected: &Selected,
    choice: &Choice,
    source: &SourceValues,
) -> Result<Prepared, Refusal> {
    let uid = record_version(context, choice).0;
    let requirement = &selected.requirement;
    let prepared = binding::prepare(key, requirement, choice, &uid, &source.values)
        .map_err(|errors| binding::refusal(&errors))?;
    let projection = projection_key(key);
    // The separator keeps an entry of one Secret distinct from the same entry of the other.
    let entries = |secret: &Secret| secret.data.clone().unwrap_or_default();
    let data: Vec<_> = entries(&prepared.files)
        .into_iter()
        .chain([Default::default()])
        .chain(entries(&prepared.environment))
        .collect();
    let digest = |generation: i64| {
        let location = Location {
            namespace: &projection.namespace,
            projection: &projection.name,
            record_uid: &uid,
            generation,
        };
        let data = data.iter().map(|(name, value)| (name, value));
        context.digest_key.digest_data(&location, data)
    };
    let status = dereferenced.binding.status.as_ref();
    let written =
        status.and_then(|status| Some((status.choice.as_ref()?, status.written.as_ref()?)));
    let is_unchanged =
        written.is_some_and(|(choice, written)| written.digest == digest(choice.record_generation));
    Ok(Prepared {
        digest: digest(choice.record.generation),
        is_unchanged,
        owner: uid.to_string(),
        key: projection,
        projection: prepared.projection,
        files: prepared.files,
        environment: prepared.environment,
        described: prepared.described,
    })
}
