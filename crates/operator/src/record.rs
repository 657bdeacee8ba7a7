//! The record controller. It checks that all source Secrets exist and counts the consumers of a record.
//!
//! dereference (key names of all source Secrets) → validate (missing sources) → `update_status`. It writes
//! only the status, so the steps build and apply do not exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use extension_registry_api::extension::ExtensionSummary;
use extension_registry_api::kinds::strip;
use extension_registry_api::status::{self, INLINE_CREDENTIALS, READY, STALLED};
use extension_registry_api::{ClusterExtension, Extension, ExtensionStatus, RecordObject};
use extension_registry_core::diagnostic::{Explain, explained};
use extension_registry_core::projection::{MissingSource, SourceKeys};
use extension_registry_core::record::{Credentials, Record, RecordKey, RecordKind, Source};
use extension_registry_core::refusal::Reason;
use extension_registry_render::projection::missing_sources;
use extension_registry_render::source::KeyView;
use extension_registry_runtime::error::Error;

use crate::context::Context;
use crate::impact;
use crate::source;
use crate::status::{DesiredCondition, ObjectName, Updated, conditions, read, update};
use crate::store::RecordEntry;
use crate::task::Task;

/// Updates the status of a record.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &RecordKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference(context, key).await? else {
        return Ok(());
    };
    let verdict = validate(&dereferenced);
    update_status(context, key, &dereferenced, verdict).await?;
    if dereferenced.keys.is_denied() || !dereferenced.unreadable.is_empty() {
        // No watch reports a new permission or a restored sealing key. Once they are readable, the change
        // enqueues everything that depends on these Secrets.
        context.requeue(Task::Record(key.clone()));
    }
    Ok(())
}

/// Input of the following steps.
struct Dereferenced {
    entry: RecordEntry,
    /// The record; `None` if it is invalid.
    record: Option<Arc<Record>>,
    /// Key names of its source Secrets.
    keys: KeyView,
    /// Sealed values that cannot be decrypted.
    unreadable: Vec<MissingSource>,
    /// Number of requirements bound to it.
    consumers: i64,
}

/// Collects the objects that a record refers to.
async fn dereference(
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
    let secrets = record
        .as_deref()
        .map(Record::source_secrets)
        .unwrap_or_default();
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
    let consumers = context.stores.consumers.read().record_count(key);
    Ok(Some(Dereferenced {
        entry,
        record,
        keys,
        unreadable,
        consumers,
    }))
}

/// Why a record is not ready.
struct NotReady {
    reason: Reason,
    stalled: bool,
    message: String,
}

/// Checks that everything that the record refers to exists. Uses no client.
fn validate(dereferenced: &Dereferenced) -> Result<(), NotReady> {
    let problems = &dereferenced.entry.problems;
    if let Some(first) = problems.first() {
        let lines: Vec<String> = problems.iter().map(Explain::explained).collect();
        return Err(NotReady {
            reason: first.refusal.reason,
            stalled: problems
                .iter()
                .any(|problem| problem.refusal.reason.is_stalled()),
            message: lines.join("\n"),
        });
    }
    let mut missing: BTreeSet<_> = dereferenced.unreadable.iter().cloned().collect();
    let services = dereferenced
        .record
        .iter()
        .flat_map(|record| &record.services);
    for credentials in services.flat_map(|service| &service.credentials) {
        collect(credentials, &dereferenced.keys, &mut missing);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<MissingSource> = missing.into_iter().collect();
    let refusal = missing_sources(&missing, &dereferenced.keys);
    Err(NotReady {
        reason: refusal.reason,
        stalled: false,
        message: refusal.explained(),
    })
}

fn collect(
    credentials: &Credentials,
    keys: &dyn SourceKeys,
    missing: &mut BTreeSet<MissingSource>,
) {
    if let Some(secret) = credentials.whole_secret()
        && keys.keys(&secret).is_none()
    {
        missing.insert(MissingSource::Secret { secret });
    }
    for entry in &credentials.entries {
        let Source::SecretKey { secret, key } = &entry.source else {
            continue;
        };
        match keys.keys(secret) {
            None => missing.insert(MissingSource::Secret {
                secret: secret.clone(),
            }),
            Some(known) if !known.contains(key) => missing.insert(MissingSource::Key {
                secret: secret.clone(),
                key: key.clone(),
            }),
            Some(_) => continue,
        };
    }
}

/// Writes readiness, number of consumers and names of the services.
async fn update_status(
    context: &Context,
    key: &RecordKey,
    dereferenced: &Dereferenced,
    verdict: Result<(), NotReady>,
) -> Result<(), Error> {
    let entry = &dereferenced.entry;
    let before = match &dereferenced.record {
        Some(_) => entry.status.clone(),
        None => live_status(context, key).await?,
    };
    let mut desired = match verdict {
        Ok(()) => vec![DesiredCondition::status_true(
            READY,
            status::Reason::Ready,
            "all referenced Secrets and keys exist",
        )],
        Err(NotReady {
            reason,
            stalled,
            message,
        }) => {
            let mut desired = vec![DesiredCondition::status_false(
                READY,
                reason,
                message.clone(),
            )];
            if stalled {
                desired.push(DesiredCondition::status_true(STALLED, reason, message));
            }
            desired
        }
    };
    desired.extend(inline(dereferenced));
    let status = ExtensionStatus {
        observed_generation: Some(entry.generation),
        conditions: conditions(&before.conditions, desired, entry.generation),
        consumers: dereferenced.consumers,
        summary: Some(ExtensionSummary {
            services: entry.services.to_string(),
        }),
    };
    match key.kind() {
        RecordKind::ClusterExtension => {
            write::<ClusterExtension>(context, key, &before, &status).await
        }
        RecordKind::Extension => write::<Extension>(context, key, &before, &status).await,
    }
}

/// Returns the condition `InlineCredentials` if the record contains credential values. The controller never
/// edits a record, because that would conflict with the client that applies it.
fn inline(dereferenced: &Dereferenced) -> Option<DesiredCondition> {
    let services = dereferenced
        .record
        .iter()
        .flat_map(|record| &record.services);
    let sets: Vec<String> = services
        .flat_map(|service| {
            let inline = service.credentials.iter().filter(|set| set.is_inline());
            inline.map(|set| format!("{}/{}", service.name, set.name))
        })
        .collect();
    (!sets.is_empty()).then(|| {
        DesiredCondition::status_true(
            INLINE_CREDENTIALS,
            status::Reason::ValuesInRecord,
            explained(
                &format!(
                    "credential values are stored in plain text and visible to everyone who can read this record ({})",
                    status::join(sets.iter().map(String::as_str))
                ),
                &[
                    "store them in a Secret and use `valueFrom.secretKeyRef`, or enable sealing with `--inline-credentials=seal` and run `kubectl replace -f` on the record",
                ],
            ),
        )
    })
}

/// Reads the status of an invalid record, which the store does not hold.
async fn live_status(context: &Context, key: &RecordKey) -> Result<Arc<ExtensionStatus>, Error> {
    let (client, object) = (&context.client, ObjectName::record(key));
    let live = match key.kind() {
        RecordKind::ClusterExtension => read::<ClusterExtension, _>(client, object).await?,
        RecordKind::Extension => read::<Extension, _>(client, object).await?,
    };
    Ok(Arc::new(live.map(|live| live.status).unwrap_or_default()))
}

async fn write<K: RecordObject>(
    context: &Context,
    key: &RecordKey,
    before: &ExtensionStatus,
    after: &ExtensionStatus,
) -> Result<(), Error> {
    let object = ObjectName::record(key);
    let task = Task::Record(key.clone());
    if let Updated::Written(Some(mut written)) =
        update::<K, _>(context, object, task, before, after).await?
    {
        strip(written.meta_mut());
        let namespace = &context.settings.records_namespace;
        context.stores.records.write().upsert(&written, namespace);
    }
    Ok(())
}
