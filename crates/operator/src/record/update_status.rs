//! Writes the status of a record: readiness, number of consumers and names of its services.

use std::sync::Arc;

use extension_registry_api::extension::ExtensionSummary;
use extension_registry_api::status::{self, INLINE_CREDENTIALS, READY, STALLED};
use extension_registry_api::{
    ClusterExtension, Extension, ExtensionStatus, FIELD_MANAGER, GROUP, RecordObject, VERSION,
};
use extension_registry_core::record::RecordKey;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::DeserializeGuard;
use serde_json::json;

use crate::condition::{DesiredCondition, conditions};
use crate::context::Context;
use crate::error::{Error, code};
use crate::live;
use crate::record::dereference::Dereferenced;
use crate::record::validate::NotReady;
use crate::task::Task;

pub(super) async fn run(
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
            "Ready",
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
    if status == *before {
        return Ok(());
    }
    let same_count = ExtensionStatus {
        consumers: before.consumers,
        ..status.clone()
    };
    if same_count == *before && context.queue.is_busy() {
        // More consumers are likely to follow; write their count once.
        context.enqueue_debounced(Task::Record(key.clone()));
        return Ok(());
    }
    let client = context.client.clone();
    match &key.namespace {
        None => {
            write(
                context,
                key,
                &status,
                Api::<DeserializeGuard<ClusterExtension>>::all(client),
            )
            .await
        }
        Some(namespace) => {
            write(
                context,
                key,
                &status,
                Api::<DeserializeGuard<Extension>>::namespaced(client, namespace),
            )
            .await
        }
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
            "ValuesInRecord",
            format!(
                "credential values are stored in plain text and visible to everyone who can read this record ({}); hint: store them in a Secret and use `valueFrom.secretKeyRef`, or enable sealing with `--inline-credentials=seal` and run `kubectl replace -f` on the record",
                status::join(sets.iter().map(String::as_str))
            ),
        )
    })
}

/// Reads the status of an invalid record, which the store does not hold.
async fn live_status(context: &Context, key: &RecordKey) -> Result<Arc<ExtensionStatus>, Error> {
    let live = match key.namespace.as_deref() {
        None => {
            live::read::<ClusterExtension, ExtensionStatus>(&context.client, None, &key.name)
                .await?
        }
        namespace => {
            live::read::<Extension, ExtensionStatus>(&context.client, namespace, &key.name).await?
        }
    };
    Ok(Arc::new(live.map(|live| live.status).unwrap_or_default()))
}

async fn write<K: RecordObject>(
    context: &Context,
    key: &RecordKey,
    status: &ExtensionStatus,
    api: Api<DeserializeGuard<K>>,
) -> Result<(), Error> {
    let kind = key.kind().as_str();
    let patch =
        json!({ "apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "status": status });
    context.metrics.count_write(kind, "status");
    match api
        .patch_status(
            &key.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(patch),
        )
        .await
    {
        Ok(DeserializeGuard(Ok(mut object))) => {
            extension_registry_api::kinds::strip(object.meta_mut());
            let namespace = &context.settings.records_namespace;
            context.stores.records.write().upsert(&object, namespace);
            Ok(())
        }
        Ok(DeserializeGuard(Err(_))) => Ok(()),
        Err(error) if code(&error) == 404 => Ok(()),
        Err(error) => Err(Error::api(format!("update status of {key}"), &error)),
    }
}
