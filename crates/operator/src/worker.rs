//! Workers that take keys from the queue and reconcile the objects, and the periodic resync.

use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_runtime::error::Error;
use extension_registry_runtime::queue::Priority;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::metrics::ReconcileLabels;
use crate::task::Task;
use crate::{binding, impact, pipeline_run, projection, record, run_gate, workflow};

/// Starts the given number of workers, at least one.
pub(crate) fn start(context: &Arc<Context>, count: usize, tasks: &mut JoinSet<()>) {
    for _ in 0..count.max(1) {
        let context = Arc::clone(context);
        tasks.spawn(async move {
            while let Some(task) = context.queue.next().await {
                work(&context, task).await;
            }
        });
    }
}

async fn work(context: &Arc<Context>, task: Task) {
    let begun = Instant::now();
    let result = run(context, &task).await;
    context
        .metrics
        .reconcile_seconds
        .observe(begun.elapsed().as_secs_f64());
    let outcome = result.as_ref().err().map_or("ok", Error::label);
    context
        .metrics
        .reconciles
        .get_or_create(&ReconcileLabels {
            controller: task.kind(),
            outcome,
        })
        .inc();
    match &result {
        Ok(()) => tracing::debug!(%task, "reconciled"),
        Err(error) if error.is_namespace_terminating() => {
            tracing::debug!(%task, "skipped because the namespace is terminating");
        }
        Err(error) => {
            tracing::warn!(%task, %error, "reconcile failed, retrying");
            context.queue.retry(task.clone(), Priority::Dependent);
        }
    }
    context.queue.done(&task, result.is_ok());
}

async fn run(context: &Arc<Context>, task: &Task) -> Result<(), Error> {
    match task {
        Task::Workflow(key) => workflow::reconcile(context, key).await,
        Task::Binding(key) => binding::reconcile(context, key).await,
        Task::Projection(key) => projection::reconcile(context, key).await,
        Task::Run(key) => pipeline_run::reconcile(context, key).await,
        Task::RunGate(namespace) => run_gate::reconcile(context, namespace).await,
        Task::Record(key) => record::reconcile(context, key).await,
    }
}

/// Resyncs all projections once per period, spread evenly to avoid load peaks. Writes each of them, to restore
/// Secrets that were deleted or modified. A write without changes does not reach etcd.
pub(crate) async fn resync(context: Arc<Context>, period: Duration, stop: CancellationToken) {
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
            impact::enqueue_projection(&context, key, Priority::Background);
        }
    }
}

async fn pause_or_stop(stop: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => false,
        () = stop.cancelled() => true,
    }
}
