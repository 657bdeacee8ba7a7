//! How much of a body went, while a call is on its way.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::progress::Progress;

/// Bytes of a body that went.
pub type Sent = Arc<AtomicU64>;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Waits for work that sends a body, and tells meanwhile how much of it went. Bytes that go a second time are
/// told once.
pub async fn watched<T>(
    work: impl Future<Output = T>,
    sent: &AtomicU64,
    progress: &dyn Progress,
) -> T {
    let mut work = pin!(work);
    let mut told = 0;
    loop {
        let done = tokio::time::timeout(TICK, &mut work).await;
        let now = sent.load(Ordering::Relaxed);
        if now > told {
            progress.advance(now - told);
            told = now;
        }
        if let Ok(done) = done {
            return done;
        }
    }
}
