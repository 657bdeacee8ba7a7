//! Deletes sealed Secrets that no stored record names: old versions, and what refused requests left.

use std::sync::Arc;
use std::time::Duration;

use extension_registry_api::{ClusterExtension, Extension, SEALED_LABEL, SEALED_TYPE};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::seal::record_of;
use extension_registry_core::record::RecordKey;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Preconditions};
use kube::core::PartialObjectMeta;
use kube::{Api, ResourceExt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::{Error, code};

/// Secrets of one page of a list.
const PAGE: u32 = 500;

/// Deletes what no record names and is at least that old, until it is told to stop. One replica does
/// so: the leader.
pub(crate) async fn run(context: Arc<Context>, age: Duration, stop: CancellationToken) {
    let period = (age / 3).max(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = stop.cancelled() => return,
        }
        match once(&context, age).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deleted sealed Secrets that no record names"),
            Err(error) => tracing::warn!(%error, "sealed Secrets are not collected"),
        }
    }
}

/// Deletes what no record names and is at least that old. The number deleted.
///
/// # Errors
/// When the API server does not answer. The rest waits for the next time.
async fn once(context: &Context, age: Duration) -> Result<usize, Error> {
    if !context.is_started() {
        return Ok(0);
    }
    let namespace = &context.settings.records_namespace;
    let api = Api::<Secret>::namespaced(context.client.clone(), namespace);
    let mut parameters = ListParams::default()
        .labels(&format!("{SEALED_LABEL}=true"))
        .fields(&format!("type={SEALED_TYPE}"))
        .limit(PAGE);
    let mut count = 0;
    loop {
        let page = api
            .list_metadata(&parameters)
            .await
            .map_err(|error| Error::secret("list sealed Secrets", &error))?;
        for secret in &page.items {
            if is_old(secret, age) && !is_named(context, namespace, secret).await {
                count += usize::from(delete(&api, secret).await?);
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(count),
        }
    }
}

fn is_old(secret: &PartialObjectMeta<Secret>, age: Duration) -> bool {
    let since = secret.metadata.creation_timestamp.as_ref();
    since.is_some_and(|since| {
        let seconds = Timestamp::now().as_second() - since.0.as_second();
        u64::try_from(seconds).is_ok_and(|seconds| seconds >= age.as_secs())
    })
}

/// Whether a stored record names it, or may: the copy of the cluster may be old, or not cover the
/// record's namespace, so a Secret goes only after a look at the record itself. Nothing could bring
/// its values back.
async fn is_named(
    context: &Context,
    namespace: &Arc<str>,
    secret: &PartialObjectMeta<Secret>,
) -> bool {
    let name = secret.name_any();
    let place = ObjectKey::new(Arc::clone(namespace), name.as_str());
    let is_referenced = context.world.records.read().is_referenced(&place);
    if is_referenced || context.sealed_lately.is_fresh(&name) {
        return true;
    }
    // Without a record that it serves, the operator did not make it.
    let Some(record) = record_of(&secret.metadata) else {
        return true;
    };
    match live_spec(context, &record).await {
        Ok(spec) => spec.is_some_and(|spec| holds(&spec, &name)),
        Err(error) => {
            tracing::debug!(%error, secret = %place, "kept, because its record could not be seen");
            true
        }
    }
}

/// The spec of a record as it is stored now, whatever its shape; `None` when the record is gone.
async fn live_spec(context: &Context, record: &RecordKey) -> Result<Option<Value>, Error> {
    let client = context.client.clone();
    let api: Api<DynamicObject> = match &record.namespace {
        None => Api::all_with(client, &ApiResource::erase::<ClusterExtension>(&())),
        Some(namespace) => {
            Api::namespaced_with(client, namespace, &ApiResource::erase::<Extension>(&()))
        }
    };
    let object = api
        .get_opt(&record.name)
        .await
        .map_err(|error| Error::api(format!("look at {record}"), &error))?;
    Ok(object.map(|mut object| object.data["spec"].take()))
}

/// Whether the text stands anywhere in it.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        _ => false,
    }
}

async fn delete(api: &Api<Secret>, secret: &PartialObjectMeta<Secret>) -> Result<bool, Error> {
    let name = secret.name_any();
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: secret.uid(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api.delete(&name, &parameters).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(code(&error), 404 | 409) => Ok(false),
        Err(error) => Err(Error::secret(
            format!("delete sealed Secret {name}"),
            &error,
        )),
    }
}
