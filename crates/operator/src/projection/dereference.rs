//! Reads the inputs of a projection.

use std::sync::Arc;

use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::ValueView;
use extension_registry_runtime::error::Error;

use crate::context::Context;
use crate::impact;
use crate::source;
use crate::store::{ProjectionEntry, RenderInputs};

/// Input of the following steps. Contains values and is dropped after rendering.
pub(super) struct Dereferenced {
    /// The cached projection.
    pub(super) entry: Option<ProjectionEntry>,
    /// uid of the record, which owns the projection.
    pub(super) record_uid: Arc<str>,
    /// Values of the source Secrets and the sealed entries.
    pub(super) values: ValueView,
    /// Versions of the inputs.
    pub(super) inputs: RenderInputs,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    choice: &Choice,
) -> Result<Dereferenced, Error> {
    let read = source::values(context, choice).await;
    let values = impact::sources_read(context, read)?;
    let record = source::record_version(context, choice);
    Ok(Dereferenced {
        entry: context.stores.projections.read().get(key).cloned(),
        record_uid: Arc::clone(&record.0),
        inputs: RenderInputs {
            record,
            sources: values.versions.clone(),
        },
        values,
    })
}
