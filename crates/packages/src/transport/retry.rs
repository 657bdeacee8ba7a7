//! When a call is made again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use super::Answer;

/// The longest that a server can make us wait. One that asks for more is taken to have refused.
const LONGEST: Duration = Duration::from_mins(1);

/// Waits between tries, each about twice the one before, never two alike. That takes `std` of backon: without it,
/// chance is the same in every program, and those that failed together come back together.
pub(super) fn waits(retries: usize) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(retries)
        .with_jitter()
        .build()
}

/// Whether a status passes: the same request may do later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// What the server asks for: seconds or a date (RFC 9110, section 10.2.3).
pub(super) fn asked(answer: &Answer) -> Option<Duration> {
    let text = answer.header(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// How long to wait; None where the server asks for longer than anybody waits.
pub(super) fn wait(own: Duration, asked: Option<Duration>) -> Option<Duration> {
    match asked {
        Some(asked) if asked > LONGEST => None,
        // A little later than asked, and not all at the same moment.
        Some(asked) => Some(asked + own / 8),
        None => Some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r80_waits_grow_and_end() {
        let waits: Vec<Duration> = waits(3).collect();
        assert_eq!(waits.len(), 3);
        for (index, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(250 << index);
            assert!(*wait >= least && *wait <= 2 * least, "{wait:?}");
        }
    }

    /// Clients that failed together do not come back together.
    #[test]
    fn r80_waits_are_not_the_same_for_all() {
        for place in 0..3 {
            let all: Vec<Duration> = (0..50).filter_map(|_| waits(3).nth(place)).collect();
            assert_eq!(all.len(), 50);
            assert!(all.iter().any(|wait| *wait != all[0]), "{:?}", all[0]);
        }
    }

    #[test]
    fn r80_what_is_asked_for_is_waited_for_within_reason() {
        let own = Duration::from_millis(800);
        let asked = Some(Duration::from_secs(7));
        assert_eq!(wait(own, asked), Some(Duration::from_millis(7100)));
        assert_eq!(wait(own, None), Some(own));
        assert_eq!(wait(own, Some(Duration::from_hours(1))), None);
    }

    #[test]
    fn r80_what_refuses_is_not_asked_again() {
        for status in [400, 401, 403, 404, 405, 409, 416, 501] {
            assert!(
                !is_passing(StatusCode::from_u16(status).unwrap()),
                "{status}"
            );
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(
                is_passing(StatusCode::from_u16(status).unwrap()),
                "{status}"
            );
        }
    }
}
