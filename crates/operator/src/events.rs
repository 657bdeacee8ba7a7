//! Kubernetes events, shown by `kubectl describe`.

use extension_registry_api::status::EventReason;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Publishes events. The process shares one recorder, which aggregates repeated events.
pub(crate) struct Events {
    recorder: Recorder,
}

impl Events {
    /// Creates the recorder of this operator.
    pub(crate) fn new(client: Client) -> Self {
        let reporter = Reporter {
            controller: extension_registry_api::FIELD_MANAGER.to_owned(),
            instance: None,
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Publishes an event of type `Normal`.
    pub(crate) async fn normal(
        &self,
        object: &ObjectReference,
        reason: impl Into<EventReason>,
        action: &str,
        note: &str,
    ) {
        self.publish(object, EventType::Normal, reason.into(), action, note)
            .await;
    }

    /// Publishes an event of type `Warning`.
    pub(crate) async fn warning(
        &self,
        object: &ObjectReference,
        reason: impl Into<EventReason>,
        action: &str,
        note: &str,
    ) {
        self.publish(object, EventType::Warning, reason.into(), action, note)
            .await;
    }

    /// Publishes an event. A failure is only logged, because the status carries the same information.
    async fn publish(
        &self,
        object: &ObjectReference,
        type_: EventType,
        reason: EventReason,
        action: &str,
        note: &str,
    ) {
        /// Maximum length of `note` that the API server accepts.
        const MAX_CHARACTERS: usize = 1000;
        let event = Event {
            type_,
            reason: reason.as_str().to_owned(),
            note: Some(note.chars().take(MAX_CHARACTERS).collect()),
            action: action.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, object).await {
            tracing::debug!(%error, reason = reason.as_str(), "failed to publish event");
        }
    }
}
