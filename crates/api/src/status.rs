//! What the statuses of several kinds share.

use serde_json::{Value, json};

/// Type of the condition that says whether an object can be used.
pub const READY: &str = "Ready";

/// Type of the condition that says whether every requirement of a workflow was resolved.
pub const RESOLVED: &str = "Resolved";

/// Type of the condition that says that only an edit of the object can help.
pub const STALLED: &str = "Stalled";

/// Type of the condition that says that a record holds values of credentials that everyone who can
/// read the record can read.
pub const INLINE_CREDENTIALS: &str = "InlineCredentials";

/// Reason of the condition that the API server writes before the operator has looked.
pub const PENDING: &str = "Pending";

const MOST_NAMES: usize = 8;

/// The conditions of a new object: without them it would look ready to tools that take an object
/// without conditions for a finished one.
pub(crate) fn pending() -> Value {
    json!([{
        "type": READY,
        "status": "Unknown",
        "reason": PENDING,
        "message": "the operator has not looked at this object yet",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }])
}

/// Names for a column of a table: `a, b, c`, and how many more there are.
pub fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(MOST_NAMES).collect();
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
    fn names_are_joined_and_the_rest_is_counted() {
        assert_eq!(join([]), "");
        assert_eq!(
            join(["mlflow-tracking", "mlflow-store"]),
            "mlflow-tracking, mlflow-store"
        );
        assert_eq!(join(["x"; 10]), "x, x, x, x, x, x, x, x and 2 more");
    }
}
