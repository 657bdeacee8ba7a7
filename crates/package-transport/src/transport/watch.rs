//! Upload progress of a running call.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::progress::Progress;

/// Number of sent bytes of a body.
pub type Sent = Arc<AtomicU64>;

/// Interval of progress reports.
const TICK: Duration = Duration::from_millis(100);

/// Waits for an upload and reports its progress. Bytes that are sent again are reported once.
pub async fn watched<T>(
    work: impl Future<Output = T>,
    sent: &AtomicU64,
    progress: &dyn Progress,
) -> T {
    let mut work = pin!(work);
    let mut reported = 0;
    loop {
        let done = tokio::time::timeout(TICK, &mut work).await;
        let now = sent.load(Ordering::Relaxed);
        if now > reported {
            progress.advance(now - reported);
            reported = now;
        }
        if let Ok(done) = done {
            return done;
        }
    }
}
