//! Events: what `kubectl describe` shows beside the status.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Publishes events. One recorder for the whole process: it folds repetitions.
pub(crate) struct Events {
    recorder: Recorder,
}

impl Events {
    /// A recorder of this operator.
    pub(crate) fn new(client: Client) -> Self {
        let reporter = Reporter {
            controller: extension_registry_api::FIELD_MANAGER.to_owned(),
            instance: None,
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Something went as it should.
    pub(crate) async fn normal(
        &self,
        object: &ObjectReference,
        reason: &str,
        action: &str,
        note: &str,
    ) {
        self.publish(object, EventType::Normal, reason, action, note)
            .await;
    }

    /// Something needs a person.
    pub(crate) async fn warning(
        &self,
        object: &ObjectReference,
        reason: &str,
        action: &str,
        note: &str,
    ) {
        self.publish(object, EventType::Warning, reason, action, note)
            .await;
    }

    /// An event that cannot be published is no reason to stop: the status says the same.
    async fn publish(
        &self,
        object: &ObjectReference,
        type_: EventType,
        reason: &str,
        action: &str,
        note: &str,
    ) {
        /// Limit of the API server for `note`.
        const MOST_CHARACTERS: usize = 1000;
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note.chars().take(MOST_CHARACTERS).collect()),
            action: action.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, object).await {
            tracing::debug!(%error, reason, "event not published");
        }
    }
}
