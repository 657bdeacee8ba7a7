//! The admission request as handlers see it, and their result.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::UserInfo;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, Operation};

/// A request to create or update an object. May contain values, so it must not be logged.
#[derive(Clone)]
pub(crate) struct Review {
    /// Kind of the object.
    pub(crate) kind: String,
    /// Its namespace; `None` for a cluster-scoped object.
    pub(crate) namespace: Option<Arc<str>>,
    /// Its name; empty for `generateName`.
    pub(crate) name: String,
    /// The requester.
    pub(crate) user: UserInfo,
    /// The field manager that the request names. A server-side apply always names one.
    pub(crate) manager: Option<String>,
    /// The object to store.
    pub(crate) object: DynamicObject,
    /// The stored object; `None` for a new one.
    pub(crate) old: Option<DynamicObject>,
}

impl Review {
    /// Creates a review of a create or update request; `None` for another operation.
    pub(crate) fn new(request: AdmissionRequest<DynamicObject>) -> Option<Self> {
        if !matches!(request.operation, Operation::Create | Operation::Update) {
            return None;
        }
        Some(Self {
            kind: request.kind.kind,
            namespace: request
                .namespace
                .filter(|namespace| !namespace.is_empty())
                .map(Into::into),
            name: request.name,
            user: request.user_info,
            manager: request
                .options
                .and_then(|options| Some(options.0.get("fieldManager")?.as_str()?.to_owned())),
            object: request.object?,
            old: request.old_object,
        })
    }

    /// Returns the user name of the requester; empty if unknown.
    pub(crate) fn user_name(&self) -> &str {
        self.user.username.as_deref().unwrap_or_default()
    }

    /// Returns whether the spec differs from the stored one.
    pub(crate) fn changes_spec(&self) -> bool {
        self.old
            .as_ref()
            .is_none_or(|old| old.data.get("spec") != self.object.data.get("spec"))
    }
}

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
