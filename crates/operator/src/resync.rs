//! Periodic full resync. Writes every projection once per interval, to restore Secrets that were deleted
//! or modified. A write without changes does not reach etcd.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::queue::Priority;
use crate::task::Task;

/// Resyncs all projections once per period, spread evenly to avoid load peaks.
pub(crate) async fn run(context: Arc<Context>, period: Duration, stop: CancellationToken) {
    loop {
        let keys: Vec<_> = context.stores.projections.read().keys().cloned().collect();
        let share = u32::try_from(keys.len().max(1)).unwrap_or(u32::MAX);
        let pause = (period / share).max(Duration::from_millis(1));
        if keys.is_empty() && pause_or_stop(&stop, period).await {
            return;
        }
        for key in keys {
            if pause_or_stop(&stop, pause).await {
                return;
            }
            context.stores.projections.write().set_due(&key);
            context.enqueue(Task::Projection(key), Priority::Background);
        }
    }
}

async fn pause_or_stop(stop: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => false,
        () = stop.cancelled() => true,
    }
}
