//! Retry policy.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use super::Answer;

/// Longest wait that a server can request. If it requests more, the call fails.
const LONGEST: Duration = Duration::from_mins(1);

/// Returns the delays between retries: exponential, with jitter. Jitter needs the `std` feature of backon;
/// without it all clients use the same sequence and retry at the same time.
pub(super) fn waits(retries: usize) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(retries)
        .with_jitter()
        .build()
}

/// Returns whether a status is transient.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Parses `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Returns the time to wait; None if the server requests too long a wait.
pub(super) fn wait(own: Duration, retry_after: Option<Duration>) -> Option<Duration> {
    match retry_after {
        Some(retry_after) if retry_after > LONGEST => None,
        // Wait a little longer than requested, and not all clients equally.
        Some(retry_after) => Some(retry_after + own / 8),
        None => Some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let waits: Vec<Duration> = waits(3).collect();
        assert_eq!(waits.len(), 3);
        for (index, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(250 << index);
            assert!(*wait >= least && *wait <= 2 * least, "{wait:?}");
        }
    }

    #[test]
    fn delays_have_jitter() {
        for place in 0..3 {
            let all: Vec<Duration> = (0..50).filter_map(|_| waits(3).nth(place)).collect();
            assert_eq!(all.len(), 50);
            assert!(all.iter().any(|wait| *wait != all[0]), "{:?}", all[0]);
        }
    }

    #[test]
    fn retry_after_is_respected_up_to_a_limit() {
        let own = Duration::from_millis(800);
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(wait(own, retry_after), Some(Duration::from_millis(7100)));
        assert_eq!(wait(own, None), Some(own));
        assert_eq!(wait(own, Some(Duration::from_hours(1))), None);
    }

    #[test]
    fn retries_transient_statuses_only() {
        for status in [400, 401, 403, 404, 405, 409, 416, 501] {
            assert!(
                !is_transient(StatusCode::from_u16(status).unwrap()),
                "{status}"
            );
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(
                is_transient(StatusCode::from_u16(status).unwrap()),
                "{status}"
            );
        }
    }
}
