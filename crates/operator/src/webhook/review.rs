//! What the API server asks, in the words of the handlers.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::UserInfo;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, Operation};

/// A request to admit an object. It may hold values: it is never printed.
pub(crate) struct Review {
    /// Kind of the object.
    pub(crate) kind: String,
    /// Its namespace; `None` for what is cluster-wide.
    pub(crate) namespace: Option<Arc<str>>,
    /// Its name; empty while the API server has not yet made one from `generateName`.
    pub(crate) name: String,
    /// Who asks.
    pub(crate) user: UserInfo,
    /// The object as it would be stored.
    pub(crate) object: DynamicObject,
    /// The object as it is stored; `None` while it is new.
    pub(crate) old: Option<DynamicObject>,
}

impl Review {
    /// Takes a request apart; `None` when it is about no object that would be stored.
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

    /// Name of the user who asks; empty for nobody.
    pub(crate) fn user_name(&self) -> &str {
        self.user.username.as_deref().unwrap_or_default()
    }

    /// Whether the spec is another one than that which is stored.
    pub(crate) fn changes_spec(&self) -> bool {
        self.old
            .as_ref()
            .is_none_or(|old| old.data.get("spec") != self.object.data.get("spec"))
    }
}
