//! The record controller. It checks that all source Secrets exist and counts the consumers of a record.
//!
//! dereference (key names of all source Secrets) → validate (missing sources) → `update_status`. It writes
//! only the status, so the steps build and apply do not exist.

mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;

use extension_registry_core::record::RecordKey;

use crate::context::Context;
use crate::error::Error;
use crate::task::Task;

/// Updates the status of a record.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &RecordKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return Ok(());
    };
    let verdict = validate::run(&dereferenced);
    update_status::run(context, key, &dereferenced, verdict).await?;
    if dereferenced.keys.is_denied() || !dereferenced.unreadable.is_empty() {
        // No watch reports a new permission or a restored sealing key. Once they are readable, the change
        // enqueues everything that depends on these Secrets.
        context.requeue(Task::Record(key.clone()));
    }
    Ok(())
}
