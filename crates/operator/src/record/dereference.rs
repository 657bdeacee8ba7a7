//! Collects the objects that a record refers to.

use std::sync::Arc;

use extension_registry_core::projection::MissingSource;
use extension_registry_core::record::{Record, RecordKey};
use extension_registry_render::source::KeyView;

use crate::context::Context;
use crate::error::Error;
use crate::impact;
use crate::source;
use crate::store::{RecordEntry, source_secrets};

/// Input of the following steps.
pub(super) struct Dereferenced {
    pub(super) entry: RecordEntry,
    /// The record; `None` if it is invalid.
    pub(super) record: Option<Arc<Record>>,
    /// Key names of its source Secrets.
    pub(super) keys: KeyView,
    /// Sealed values that cannot be decrypted.
    pub(super) unreadable: Vec<MissingSource>,
    /// Number of requirements bound to it.
    pub(super) consumers: i64,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &RecordKey,
) -> Result<Option<Dereferenced>, Error> {
    let (entry, record) = {
        let records = context.stores.records.read();
        let Some(entry) = records.get(key).cloned() else {
            return Ok(None);
        };
        (entry, records.index.get(key).cloned())
    };
    let secrets = record.as_deref().map(source_secrets).unwrap_or_default();
    let read = source::keys(context, key, secrets).await;
    let keys = impact::sources_read(context, read)?;
    let mut unreadable = Vec::new();
    for service in record.iter().flat_map(|record| &record.services) {
        for set in &service.credentials {
            let values = source::unsealed(context, key, service, set).await;
            let failed = values.into_iter().filter(|(_, value)| value.is_none());
            unreadable.extend(
                failed.map(|(entry, _)| MissingSource::sealed(&service.name, &set.name, entry)),
            );
        }
    }
    let consumers = context.stores.bindings.read().record_consumers(key);
    Ok(Some(Dereferenced {
        entry,
        record,
        keys,
        unreadable,
        consumers,
    }))
}
