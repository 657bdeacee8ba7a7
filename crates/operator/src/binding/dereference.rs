//! Selects the service of a binding and reads its source Secrets.

use std::sync::Arc;

use extension_registry_api::convert::{self, BindingRequirement};
use extension_registry_api::status::{READY, is_true};
use extension_registry_api::{ExtensionBinding, REBIND_ANNOTATION};
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::{Choice, CurrentChoice};
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{Selection, describe, projection_key, refusal, select};
use extension_registry_render::person::consumer;
use extension_registry_render::source::ValueView;

use crate::context::Context;
use crate::impact;
use crate::source;
use crate::store::{ProjectionEntry, RenderInputs};
use extension_registry_runtime::error::Error;

/// Input of the following steps.
pub(super) struct Dereferenced {
    pub(super) binding: Arc<ExtensionBinding>,
    /// Its projection.
    pub(super) projection: Option<ProjectionEntry>,
    /// The service, or why none is selected.
    pub(super) selected: Result<Selected, Refusal>,
}

/// A selected service.
pub(super) struct Selected {
    pub(super) requirement: BindingRequirement,
    pub(super) selection: Selection,
}

/// Values of the source Secrets of a choice. Dropped after rendering.
pub(super) struct SourceValues {
    pub(super) values: ValueView,
    /// Versions of the inputs.
    pub(super) inputs: RenderInputs,
}

/// Returns `None` if the binding was deleted or is being deleted.
pub(super) fn run(context: &Context, key: &ObjectKey) -> Option<Dereferenced> {
    let binding = context.stores.bindings.read().get(key).cloned()?;
    let projection = projection(context, key);
    let selected = selected(context, key, &binding, projection.as_ref());
    Some(Dereferenced {
        binding,
        projection,
        selected,
    })
}

/// Returns the projection of a binding.
pub(super) fn projection(context: &Context, key: &ObjectKey) -> Option<ProjectionEntry> {
    let projections = context.stores.projections.read();
    let entry = projections.get(&projection_key(key)).cloned();
    entry.filter(|entry| entry.binding.as_deref() == Some(&*key.name) && !entry.terminating)
}

fn selected(
    context: &Context,
    key: &ObjectKey,
    binding: &ExtensionBinding,
    projection: Option<&ProjectionEntry>,
) -> Result<Selected, Refusal> {
    let requirement =
        convert::binding(&key.name, &binding.spec).map_err(|errors| refusal(&errors))?;
    let consumer = consumer(&key.namespace, context.settings.zone.as_ref(), None);
    let current = projection.and_then(|entry| current(context, entry));
    let moves = requirement.follow || requested_rebind(binding).is_some();
    let records = context.stores.records.read();
    let index = &records.index;
    let selection = select(index, &requirement, &consumer, current.as_ref(), moves)?;
    Ok(Selected {
        requirement,
        selection,
    })
}

/// Returns the service from which the Secrets are rendered; `None` if its record was deleted, even if a record of that
/// name exists again.
fn current(context: &Context, projection: &ProjectionEntry) -> Option<CurrentChoice> {
    let identity = &projection.identity;
    let records = context.stores.records.read();
    let record = records.get(&identity.record)?;
    (projection.owner.as_deref() == Some(&*record.uid)).then(|| CurrentChoice {
        record: identity.record.clone(),
        service: identity.service.clone(),
        endpoint: identity.endpoint.clone(),
        credentials: identity.credentials.clone(),
    })
}

/// Returns the request to resolve a binding again, if it was not handled yet.
fn requested_rebind(binding: &ExtensionBinding) -> Option<&str> {
    let requested = binding
        .metadata
        .annotations
        .as_ref()?
        .get(REBIND_ANNOTATION)?;
    let status = binding.status.as_ref();
    let handled = status.and_then(|status| status.last_rebind.as_ref());
    (handled != Some(requested)).then_some(requested)
}

/// Returns uid and generation of the record of a choice.
pub(super) fn record_version(context: &Context, choice: &Choice) -> (Arc<str>, i64) {
    source::record_version(context, choice)
}

/// Reads the values of a choice.
pub(super) async fn values(context: &Arc<Context>, choice: &Choice) -> Result<SourceValues, Error> {
    let read = source::values(context, choice).await;
    let values = impact::sources_read(context, read)?;
    Ok(SourceValues {
        inputs: RenderInputs {
            record: record_version(context, choice),
            sources: values.versions.clone(),
        },
        values,
    })
}

impl Dereferenced {
    /// Returns whether the Secrets of the binding are rendered from this service.
    pub(super) fn has_rendered(&self, choice: &Choice) -> bool {
        let written = self.binding.status.as_ref();
        let is_written = written.is_some_and(|status| status.written.is_some());
        let projection = self.projection.as_ref();
        is_written && projection.is_some_and(|entry| *entry.identity == choice.identity(None))
    }

    /// Returns whether the Secrets must be written even if nothing has changed: a user or the resync asks for it.
    pub(super) fn is_due(&self) -> bool {
        let projection = self.projection.as_ref();
        projection.is_some_and(|entry| entry.due) || requested_rebind(&self.binding).is_some()
    }

    /// Returns whether the Secrets were written from this service and these versions of all inputs, and the spec has
    /// not changed since.
    pub(super) fn is_unchanged(&self, context: &Context, choice: &Choice) -> bool {
        let (Some(entry), Some(status)) = (&self.projection, &self.binding.status) else {
            return false;
        };
        let uid = record_version(context, choice).0;
        !self.is_due()
            && self.has_rendered(choice)
            && entry.inputs.is_some()
            && entry.inputs == source::cached_inputs(context, choice)
            && status.observed_generation == self.binding.metadata.generation
            && status.choice.as_ref() == Some(&describe(choice, &uid))
            && is_true(&status.conditions, READY)
    }
}
