//! Result of an admission handler.

use kube::core::DynamicObject;

/// Result of an admission handler, with warnings that `kubectl` prints.
#[derive(Default)]
pub(crate) struct AdmissionResult {
    pub(crate) decision: Decision,
    /// Warnings of one line each.
    pub(crate) warnings: Vec<String>,
}

#[derive(Default)]
pub(crate) enum Decision {
    /// Allow the request.
    #[default]
    Allow,
    /// Allow the request and store this object.
    Mutate(Box<DynamicObject>),
    /// Deny the request. The message names the object, the field and the way out, and contains no value.
    Deny(String),
    /// Fail the request, because the API server did not respond to the webhook.
    Fail(String),
}

impl AdmissionResult {
    /// Allows the request.
    pub(crate) fn allow() -> Self {
        Self::default()
    }

    /// Allows the request and stores this object.
    pub(crate) fn mutate(object: DynamicObject) -> Self {
        Self {
            decision: Decision::Mutate(Box::new(object)),
            ..Self::default()
        }
    }

    /// Denies the request.
    pub(crate) fn deny(message: impl Into<String>) -> Self {
        Self {
            decision: Decision::Deny(message.into()),
            ..Self::default()
        }
    }

    /// Fails the request.
    pub(crate) fn fail(message: impl Into<String>) -> Self {
        Self {
            decision: Decision::Fail(message.into()),
            ..Self::default()
        }
    }

    /// Adds a warning.
    pub(crate) fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}
