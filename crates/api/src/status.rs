//! Parts that the statuses of several kinds share.

use std::fmt;

use extension_registry_core::refusal;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

/// Condition type: the object is ready for use.
pub const READY: &str = "Ready";

/// Condition type: every requirement of the workflow is resolved.
pub const RESOLVED: &str = "Resolved";

/// Condition type: the binding keeps its service, but would now select another one.
pub const SUPERSEDED: &str = "Superseded";

/// Condition type: only a change to the object itself can resolve the error.
pub const STALLED: &str = "Stalled";

/// Condition type: the record contains inline credential values, which everyone who can
/// read the record can read.
pub const INLINE_CREDENTIALS: &str = "InlineCredentials";

/// Declares reasons that are written to objects, and a function that returns all of them, so that none
/// is missing.
macro_rules! reasons {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$doc])* $name,)*
            /// The object is refused.
            Refused(refusal::Reason),
        }

        impl $type {
            const OWN: &'static [Self] = &[$(Self::$name),*];

            /// Returns all reasons.
            pub fn all() -> impl Iterator<Item = Self> {
                let refused = refusal::Reason::ALL.iter().copied().map(Self::Refused);
                Self::OWN.iter().copied().chain(refused)
            }

            /// Returns the reason as it appears in objects.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Refused(reason) => reason.as_str(),
                }
            }
        }

        impl From<refusal::Reason> for $type {
            fn from(reason: refusal::Reason) -> Self {
                Self::Refused(reason)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Reason of a condition.
    Reason {
        /// Default before the first reconciliation.
        Pending,
        /// The object can be used.
        Ready,
        /// Every requirement is resolved.
        Resolved,
        /// The Secret of the projection has been written.
        Rendered,
        /// The record contains credential values in plain text.
        ValuesInRecord,
        /// The binding would select the service that it has.
        Current,
        /// The binding would select another service than the one that it keeps.
        BetterMatch,
    }
}

reasons! {
    /// Reason of an event.
    EventReason {
        /// A workflow that was refused now resolves.
        Resolved,
        /// A requirement is bound to a different record than before.
        Rebound,
        /// A Secret was deleted because its record no longer grants access.
        Revoked,
        /// A Secret was deleted because no workflow used it.
        Unused,
    }
}

reasons! {
    /// Reason in a `RunGate` why a Pipeline is on hold.
    HoldReason {
        /// The workflow is being deleted.
        Terminating,
        /// The workflow was deleted, but its Pipeline was kept.
        Orphaned,
    }
}

const MAX_NAMES: usize = 8;

/// Default conditions of a new object. Without them, tools that treat an object without conditions as
/// complete would consider it ready.
pub(crate) fn pending() -> Value {
    json!([{
        "type": READY,
        "status": "Unknown",
        "reason": Reason::Pending.as_str(),
        "message": "waiting for the operator to reconcile this object",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }])
}

/// Returns whether the condition of this type is `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == kind && condition.status == "True")
}

/// Joins names for a printer column: `a, b, c`, followed by the number of omitted names.
pub fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(MAX_NAMES).collect();
    let text = shown.join(", ");
    match names.count() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn join_counts_omitted_names() {
        assert_eq!(join([]), "");
        assert_eq!(
            join(["mlflow-tracking", "mlflow-store"]),
            "mlflow-tracking, mlflow-store"
        );
        assert_eq!(join(["x"; 10]), "x, x, x, x, x, x, x, x and 2 more");
    }
}
