//! Reads what a projection is rendered from.

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::{ValueView, place, secrets};
use extension_registry_core::resolve::Choice;

use crate::context::Context;
use crate::error::Error;
use crate::source;
use crate::store::{LedgerEntry, RenderStamp};

/// Everything that the next steps need; it holds values and lives for one rendering.
pub(super) struct Dereferenced {
    /// The projection as the ledger has it.
    pub(super) entry: Option<LedgerEntry>,
    /// uid of the record: the owner of the projection.
    pub(super) record_uid: Arc<str>,
    /// Values of the source Secrets and the sealed entries.
    pub(super) values: ValueView,
    /// From what it is rendered.
    pub(super) stamp: RenderStamp,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    choice: &Choice,
) -> Result<Dereferenced, Error> {
    let values = source::values(context, choice).await?;
    let record = record_stamp(context, choice);
    Ok(Dereferenced {
        entry: context.world.ledger.read().get(key).cloned(),
        record_uid: Arc::clone(&record.0),
        stamp: RenderStamp {
            record,
            sources: values.versions.clone(),
        },
        values,
    })
}

/// From what the choice would be rendered now, as far as is known without asking anybody; `None`
/// when something is not known.
pub(super) fn stamp(context: &Context, choice: &Choice) -> Option<RenderStamp> {
    let states = context.world.sources.read();
    let sources = secrets(choice)
        .iter()
        .map(|secret| {
            let secret = place(
                &choice.record.key,
                secret,
                &context.settings.records_namespace,
            );
            let version = states.get(&secret)?.version();
            Some((secret, version))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(RenderStamp {
        record: record_stamp(context, choice),
        sources,
    })
}

fn record_stamp(context: &Context, choice: &Choice) -> (Arc<str>, i64) {
    let records = context.world.records.read();
    let uid = records
        .get(&choice.record.key)
        .map_or_else(|| Arc::from(""), |entry| Arc::clone(&entry.uid));
    (uid, choice.record.generation)
}
