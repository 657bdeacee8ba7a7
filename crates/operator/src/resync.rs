//! The slow round: every projection is written again once in a while, to repair what somebody
//! deleted by hand. A write that changes nothing costs no etcd write.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::queue::Urgency;
use crate::task::Task;

/// Spreads the round evenly over its period, so that there is no hour at which everything happens.
pub(crate) async fn run(context: Arc<Context>, period: Duration, stop: CancellationToken) {
    loop {
        let keys: Vec<_> = context.world.ledger.read().keys().cloned().collect();
        let share = u32::try_from(keys.len().max(1)).unwrap_or(u32::MAX);
        let pause = (period / share).max(Duration::from_millis(1));
        if keys.is_empty() && pause_or_stop(&stop, period).await {
            return;
        }
        for key in keys {
            if pause_or_stop(&stop, pause).await {
                return;
            }
            context.world.ledger.write().set_due(&key);
            context.want(Task::Projection(key), Urgency::Background);
        }
    }
}

async fn pause_or_stop(stop: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => false,
        () = stop.cancelled() => true,
    }
}
