//! A result that is used again for some time.

use std::time::{Duration, Instant};

use super::fault::Fault;

/// How long a failure is used again, so that a broken source is not queried for each request.
const FAILURE: Duration = Duration::from_secs(5);

/// A result and its age.
#[derive(Debug)]
pub(super) struct Held<T> {
    at: Instant,
    outcome: Result<T, Fault>,
}

impl<T: Clone> Held<T> {
    pub(super) fn new(outcome: Result<T, Fault>) -> Self {
        Self {
            at: Instant::now(),
            outcome,
        }
    }

    /// Returns the result if it is recent enough.
    pub(super) fn fresh(&self, refresh: Duration) -> Option<Result<T, Fault>> {
        let limit = match &self.outcome {
            Ok(_) => refresh,
            Err(_) => refresh.min(FAILURE),
        };
        self.is_younger_than(limit).then(|| self.outcome.clone())
    }

    /// Returns the result whatever its age.
    pub(super) fn last(&self) -> Option<&T> {
        self.outcome.as_ref().ok()
    }

    pub(super) fn is_younger_than(&self, limit: Duration) -> bool {
        self.at.elapsed() < limit
    }
}
