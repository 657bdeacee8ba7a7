//! Parts that the statuses of several kinds share.

use serde_json::{Value, json};

/// Condition type: the object is ready for use.
pub const READY: &str = "Ready";

/// Condition type: every requirement of the workflow is resolved.
pub const RESOLVED: &str = "Resolved";

/// Condition type: only an edit of the object can resolve the error.
pub const STALLED: &str = "Stalled";

/// Condition type: the record contains inline values of credentials, which everyone who can
/// read the record can read.
pub const INLINE_CREDENTIALS: &str = "InlineCredentials";

/// Reason of the default condition, before the first reconciliation.
pub const PENDING: &str = "Pending";

const MAX_NAMES: usize = 8;

/// Default conditions of a new object. Without them, tools that treat an object without conditions as
/// complete would consider it ready.
pub(crate) fn pending() -> Value {
    json!([{
        "type": READY,
        "status": "Unknown",
        "reason": PENDING,
        "message": "waiting for the operator to reconcile this object",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }])
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
