//! Status conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// Maximum length of a message in bytes. The API server accepts 32 KiB.
const MAX_BYTES: usize = 16 * 1024;

/// A condition to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredCondition {
    /// Type of the condition.
    pub kind: &'static str,
    /// Whether the status is `True` or `False`.
    pub status: bool,
    /// Reason in `CamelCase`.
    pub reason: &'static str,
    /// Human-readable message.
    pub message: String,
}

impl DesiredCondition {
    /// Creates a condition with status `True`.
    pub(crate) fn status_true(
        kind: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status: true,
            reason,
            message: message.into(),
        }
    }

    /// Creates a condition with status `False`.
    pub(crate) fn status_false(
        kind: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status: false,
            reason,
            message: message.into(),
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
                reason: desired.reason.to_owned(),
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

/// Returns whether the condition of this type is `True`.
pub(crate) fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == kind && condition.status == "True")
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

#[cfg(test)]
mod tests {
    use super::{DesiredCondition, conditions};

    #[test]
    fn transition_time_changes_only_with_status() {
        let first = conditions(
            &[],
            vec![DesiredCondition::status_false("Ready", "NotFound", "a")],
            1,
        );
        let mut old = first.clone();
        old[0].last_transition_time.0 = k8s_openapi::jiff::Timestamp::from_second(1).unwrap();
        let same = conditions(
            &old,
            vec![DesiredCondition::status_false("Ready", "Ambiguous", "b")],
            2,
        );
        assert_eq!(same[0].last_transition_time, old[0].last_transition_time);
        let turned = conditions(
            &old,
            vec![DesiredCondition::status_true("Ready", "Ready", "")],
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
                "NotFound",
                "é".repeat(20_000),
            )],
            1,
        );
        assert!(long[0].message.ends_with("(truncated)"));
        assert!(long[0].message.len() < 17_000);
    }
}
