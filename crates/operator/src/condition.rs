//! Conditions: the words by which the operator speaks to people and tools.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The most bytes of a message; the API server's own limit is 32 KiB.
const MOST_BYTES: usize = 16 * 1024;

/// What a condition should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Type of the condition.
    pub kind: &'static str,
    /// True or false.
    pub holds: bool,
    /// Machine reason.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Wanted {
    /// A condition that holds.
    pub(crate) fn yes(
        kind: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            holds: true,
            reason,
            message: message.into(),
        }
    }

    /// A condition that does not hold.
    pub(crate) fn no(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            holds: false,
            reason,
            message: message.into(),
        }
    }
}

/// The conditions as they should stand. The time of the last transition moves only when the status
/// of a condition does; nothing else is ever "now", or every pass would be a write.
pub(crate) fn conditions(
    before: &[Condition],
    wanted: Vec<Wanted>,
    generation: i64,
) -> Vec<Condition> {
    wanted
        .into_iter()
        .map(|wanted| {
            let status = if wanted.holds { "True" } else { "False" };
            let known = before
                .iter()
                .find(|condition| condition.type_ == wanted.kind);
            let since = known
                .filter(|condition| condition.status == status)
                .map_or_else(
                    || Time(Timestamp::now()),
                    |condition| condition.last_transition_time.clone(),
                );
            Condition {
                last_transition_time: whole_seconds(&since),
                message: shorten(wanted.message),
                observed_generation: Some(generation),
                reason: wanted.reason.to_owned(),
                status: status.to_owned(),
                type_: wanted.kind.to_owned(),
            }
        })
        .collect()
}

/// The API server keeps whole seconds; comparing must not see the difference.
pub(crate) fn whole_seconds(time: &Time) -> Time {
    Time(Timestamp::from_second(time.0.as_second()).unwrap_or(time.0))
}

/// Whether a condition of that type is true.
pub(crate) fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == kind && condition.status == "True")
}

/// The condition of that type.
pub(crate) fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

fn shorten(mut message: String) -> String {
    if message.len() > MOST_BYTES {
        let mut end = MOST_BYTES;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push_str(" … (shortened)");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Wanted, conditions};

    #[test]
    fn time_moves_only_with_the_status() {
        let first = conditions(&[], vec![Wanted::no("Ready", "NotFound", "a")], 1);
        let mut old = first.clone();
        old[0].last_transition_time.0 = k8s_openapi::jiff::Timestamp::from_second(1).unwrap();
        let same = conditions(&old, vec![Wanted::no("Ready", "Ambiguous", "b")], 2);
        assert_eq!(same[0].last_transition_time, old[0].last_transition_time);
        let turned = conditions(&old, vec![Wanted::yes("Ready", "Ready", "")], 2);
        assert_ne!(turned[0].last_transition_time, old[0].last_transition_time);
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let long = conditions(
            &[],
            vec![Wanted::no("Ready", "NotFound", "é".repeat(20_000))],
            1,
        );
        assert!(long[0].message.ends_with("(shortened)"));
        assert!(long[0].message.len() < 17_000);
    }
}
