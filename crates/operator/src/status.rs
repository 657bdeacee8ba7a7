//! Writes the status of objects of all kinds: conditions, comparison with the known status, and the request.

use std::fmt;

use extension_registry_api::status::Reason;
use extension_registry_api::{
    ExtensionBindingStatus, ExtensionProjectionStatus, ExtensionStatus, FIELD_MANAGER, GROUP,
    VERSION, WorkflowStatus,
};
use extension_registry_core::record::RecordKey;
use extension_registry_render::ObjectKey;
use extension_registry_runtime::error::{Error, code};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DeserializeGuard, DynamicObject, Request};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::context::Context;
use crate::task::Task;

/// Maximum length of a message in bytes. The API server accepts 32 KiB.
const MAX_BYTES: usize = 16 * 1024;

/// A condition to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredCondition {
    /// Type of the condition.
    pub kind: &'static str,
    /// Whether the status is `True` or `False`.
    pub status: bool,
    pub reason: Reason,
    /// Human-readable message.
    pub message: String,
}

impl DesiredCondition {
    /// Creates a condition with status `True`.
    pub(crate) fn status_true(
        kind: &'static str,
        reason: impl Into<Reason>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status: true,
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// Creates a condition with status `False`.
    pub(crate) fn status_false(
        kind: &'static str,
        reason: impl Into<Reason>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: false,
            ..Self::status_true(kind, reason, message)
        }
    }
}

/// Returns the conditions to write. `lastTransitionTime` changes only with the status of a condition, so
/// that a reconcile without changes writes nothing.
pub(crate) fn conditions(
    before: &[Condition],
    desired: Vec<DesiredCondition>,
    generation: i64,
) -> Vec<Condition> {
    desired
        .into_iter()
        .map(|desired| {
            let status = if desired.status { "True" } else { "False" };
            let known = before
                .iter()
                .find(|condition| condition.type_ == desired.kind);
            let since = known
                .filter(|condition| condition.status == status)
                .map_or_else(
                    || Time(Timestamp::now()),
                    |condition| condition.last_transition_time.clone(),
                );
            Condition {
                last_transition_time: whole_seconds(&since),
                message: shorten(desired.message),
                observed_generation: Some(generation),
                reason: desired.reason.as_str().to_owned(),
                status: status.to_owned(),
                type_: desired.kind.to_owned(),
            }
        })
        .collect()
}

/// Truncates a time to whole seconds, the precision that the API server stores.
pub(crate) fn whole_seconds(time: &Time) -> Time {
    Time(Timestamp::from_second(time.0.as_second()).unwrap_or(time.0))
}

/// Returns the condition of this type.
pub(crate) fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

fn shorten(mut message: String) -> String {
    if message.len() > MAX_BYTES {
        let mut end = MAX_BYTES;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push_str(" … (truncated)");
    }
    message
}

/// Identifies an object in requests and messages.
#[derive(Clone, Copy)]
pub(crate) struct ObjectName<'a> {
    kind: &'static str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> ObjectName<'a> {
    /// Identifies a workflow.
    pub(crate) fn workflow(key: &'a ObjectKey) -> Self {
        Self::namespaced("Workflow", key)
    }

    /// Identifies a binding.
    pub(crate) fn binding(key: &'a ObjectKey) -> Self {
        Self::namespaced("ExtensionBinding", key)
    }

    /// Identifies a projection.
    pub(crate) fn projection(key: &'a ObjectKey) -> Self {
        Self::namespaced("ExtensionProjection", key)
    }

    /// Identifies a record.
    pub(crate) fn record(key: &'a RecordKey) -> Self {
        Self {
            kind: key.kind().as_str(),
            namespace: key.namespace.as_deref(),
            name: &key.name,
        }
    }

    fn namespaced(kind: &'static str, key: &'a ObjectKey) -> Self {
        Self {
            kind,
            namespace: Some(&key.namespace),
            name: &key.name,
        }
    }
}

impl fmt::Display for ObjectName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        match namespace {
            Some(namespace) => write!(formatter, "{kind} {namespace}/{name}"),
            None => write!(formatter, "{kind} {name}"),
        }
    }
}

/// A status of one of the kinds.
pub(crate) trait Status: Clone + PartialEq + Serialize {
    /// Returns the status with the consumer count of another one.
    fn with_consumers_of(&self, other: &Self) -> Self;
}

impl Status for WorkflowStatus {
    fn with_consumers_of(&self, _: &Self) -> Self {
        self.clone()
    }
}

impl Status for ExtensionBindingStatus {
    fn with_consumers_of(&self, _: &Self) -> Self {
        self.clone()
    }
}

impl Status for ExtensionStatus {
    fn with_consumers_of(&self, other: &Self) -> Self {
        Self {
            consumers: other.consumers,
            ..self.clone()
        }
    }
}

impl Status for ExtensionProjectionStatus {
    fn with_consumers_of(&self, other: &Self) -> Self {
        Self {
            consumers: other.consumers,
            ..self.clone()
        }
    }
}

/// Result of [`update`].
pub(crate) enum Updated<K> {
    /// Nothing was written: the status is unchanged, or only its consumer count changed and is written later.
    No,
    /// The status was written. `None` if the object was deleted in the meantime or does not match its schema.
    Written(Option<K>),
}

/// Writes the status of an object if it changed. A consumer count that is still changing is written once, by
/// a later reconcile of `task`.
///
/// # Errors
/// If the request fails.
pub(crate) async fn update<K, S>(
    context: &Context,
    object: ObjectName<'_>,
    task: Task,
    before: &S,
    after: &S,
) -> Result<Updated<K>, Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
    S: Status,
{
    if after == before {
        return Ok(Updated::No);
    }
    if after.with_consumers_of(before) == *before && context.queue.is_busy() {
        // More consumers are likely to follow; write their count once.
        context.enqueue_debounced(task);
        return Ok(Updated::No);
    }
    let failed = |error: &kube::Error| Error::api(format!("update status of {object}"), error);
    let patch = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": object.kind,
        "status": after,
    });
    context.metrics.count_write(object.kind, "status");
    let mut request = Request::new(K::url_path(&(), object.namespace))
        .patch_subresource(
            "status",
            object.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(patch),
        )
        .map_err(|error| failed(&kube::Error::BuildRequest(error)))?;
    request.extensions_mut().insert("patch_status");
    match context.client.request::<DeserializeGuard<K>>(request).await {
        Ok(written) => Ok(Updated::Written(written.0.ok())),
        // It was deleted in the meantime; the watch reports that.
        Err(error) if code(&error) == 404 => Ok(Updated::Written(None)),
        Err(error) => Err(failed(&error)),
    }
}

/// An object whose spec cannot be deserialized, which the stores cannot hold.
pub(crate) struct Live<S> {
    /// `metadata.generation`.
    pub(crate) generation: i64,
    /// The status; the default if it cannot be deserialized.
    pub(crate) status: S,
}

/// Reads generation and status of an object without deserializing its spec; `None` if it does not exist.
///
/// # Errors
/// If the request fails.
pub(crate) async fn read<K, S>(
    client: &Client,
    object: ObjectName<'_>,
) -> Result<Option<Live<S>>, Error>
where
    K: Resource<DynamicType = ()>,
    S: DeserializeOwned + Default,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = match object.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let name = object.name;
    let live = api
        .get_opt(name)
        .await
        .map_err(|error| Error::api(format!("get {} {name}", resource.kind), &error))?;
    Ok(live.map(|mut live| Live {
        generation: live.metadata.generation.unwrap_or_default(),
        status: serde_json::from_value(live.data["status"].take()).unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use extension_registry_api::status;
    use extension_registry_core::refusal::Reason;

    use super::{DesiredCondition, conditions};

    #[test]
    fn transition_time_changes_only_with_status() {
        let first = conditions(
            &[],
            vec![DesiredCondition::status_false(
                "Ready",
                Reason::NotFound,
                "a",
            )],
            1,
        );
        let mut old = first.clone();
        old[0].last_transition_time.0 = k8s_openapi::jiff::Timestamp::from_second(1).unwrap();
        let same = conditions(
            &old,
            vec![DesiredCondition::status_false(
                "Ready",
                Reason::Ambiguous,
                "b",
            )],
            2,
        );
        assert_eq!(same[0].last_transition_time, old[0].last_transition_time);
        let turned = conditions(
            &old,
            vec![DesiredCondition::status_true(
                "Ready",
                status::Reason::Ready,
                "",
            )],
            2,
        );
        assert_ne!(turned[0].last_transition_time, old[0].last_transition_time);
    }

    #[test]
    fn truncates_long_message_at_character_boundary() {
        let long = conditions(
            &[],
            vec![DesiredCondition::status_false(
                "Ready",
                Reason::NotFound,
                "é".repeat(20_000),
            )],
            1,
        );
        assert!(long[0].message.ends_with("(truncated)"));
        assert!(long[0].message.len() < 17_000);
    }
}
