//! Says in the status of a record whether it can be used, by how many, and what it offers.

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

use crate::condition::{Wanted, conditions};
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
    let mut wanted = match verdict {
        Ok(()) => vec![Wanted::yes(READY, "Ready", "the record can be used")],
        Err(NotReady {
            reason,
            stalled,
            message,
        }) => {
            let mut wanted = vec![Wanted::no(READY, reason, message.clone())];
            if stalled {
                wanted.push(Wanted::yes(STALLED, reason, message));
            }
            wanted
        }
    };
    wanted.extend(inline(dereferenced));
    let status = ExtensionStatus {
        observed_generation: Some(entry.generation),
        conditions: conditions(&before.conditions, wanted, entry.generation),
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
        // More consumers are on their way: one write for all of them.
        context.want_settled(Task::Record(key.clone()));
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

/// Where the record holds values of credentials, and the way out. The controller never edits a
/// record: it would fight whoever applies it (security, section 4).
fn inline(dereferenced: &Dereferenced) -> Option<Wanted> {
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
        Wanted::yes(
            INLINE_CREDENTIALS,
            "ValuesInRecord",
            format!(
                "everyone who can read this record can read the values of its credentials ({}); keep them in a Secret and write `valueFrom.secretKeyRef`, or have the webhook seal them: `--inline-credentials=seal`, then `kubectl replace -f` the record",
                status::join(sets.iter().map(String::as_str))
            ),
        )
    })
}

/// The status of a record whose spec cannot be read: no store has it.
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
    context.metrics.wrote(kind, "status");
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
            context.world.records.write().upsert(&object, namespace);
            Ok(())
        }
        Ok(DeserializeGuard(Err(_))) => Ok(()),
        Err(error) if code(&error) == 404 => Ok(()),
        Err(error) => Err(Error::api(format!("update status of {key}"), &error)),
    }
}
