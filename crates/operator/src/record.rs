//! The record controller: are the source Secrets there, and how many use the record?
//!
//! dereference (key names of all source Secrets) → validate (what is missing) → `update_status`. It
//! writes nothing else, so it has nothing to build or apply.

mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;

use extension_registry_core::record::RecordKey;

use crate::context::Context;
use crate::error::Error;
use crate::task::Task;

/// Brings the status of a record up to date.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &RecordKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return Ok(());
    };
    let verdict = validate::run(&dereferenced);
    update_status::run(context, key, &dereferenced, verdict).await?;
    if dereferenced.keys.is_denied() || !dereferenced.unreadable.is_empty() {
        // No watch shows when the operator may read them, or when a sealing key is back. What comes
        // of it wakes everything that waits for those Secrets.
        context.look_again(Task::Record(key.clone()));
    }
    Ok(())
}
