//! The admission request as handlers see it.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::UserInfo;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, Operation};

/// A request to create or update an object. May contain values, so it must not be logged.
pub(crate) struct Review {
    /// Kind of the object.
    pub(crate) kind: String,
    /// Its namespace; `None` for a cluster-scoped object.
    pub(crate) namespace: Option<Arc<str>>,
    /// Its name; empty for `generateName`.
    pub(crate) name: String,
    /// The requester.
    pub(crate) user: UserInfo,
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
