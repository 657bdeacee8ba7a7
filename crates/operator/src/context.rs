//! State shared by all reconcilers.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use extension_registry_render::ObjectKey;
use extension_registry_runtime::queue::{Priority, Queue};
use extension_registry_seal::GuessLimiter;
use kube::Client;
use tokio::sync::{Mutex, MutexGuard};

use crate::digest::DigestKey;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::sealing_keys::SealingKeys;
use crate::settings::Settings;
use crate::store::Stores;
use crate::task::Task;
use crate::usage::Usage;

/// Delay after the last change of a consumer count before it is written to the status.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// Maximum delay after the first change.
const DEBOUNCE_MAX: Duration = Duration::from_secs(30);

/// Delay before an object is reconciled again whose problem no watch reports as solved.
const REQUEUE: Duration = Duration::from_secs(10);

const LOCK_COUNT: usize = 256;

/// Everything that a reconciler needs besides the key of its object.
pub(crate) struct Context {
    /// Client of the API server.
    pub client: Client,
    /// Caches of the watched objects.
    pub stores: Stores,
    /// The work queue.
    pub queue: Queue<Task>,
    pub settings: Settings,
    /// Key of all digests.
    pub digest_key: DigestKey,
    /// Keys of sealed values.
    pub sealing_keys: SealingKeys,
    /// Rate limit of guesses of sealed values.
    pub guess_limit: GuessLimiter,
    /// Prometheus metrics.
    pub metrics: Metrics,
    /// Publisher of Kubernetes events.
    pub events: Events,
    /// Readiness of the webhook.
    pub webhook: WebhookReadiness,
    started: AtomicBool,
    leading: AtomicBool,
    locks: Vec<Mutex<()>>,
    gate_locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

/// Whether the API server can reach the webhook.
#[derive(Debug, Default)]
pub(crate) struct WebhookReadiness {
    enabled: AtomicBool,
    reached: AtomicBool,
    ready: AtomicBool,
}

impl WebhookReadiness {
    /// Makes readiness depend on the webhook.
    pub(crate) fn set_enabled(&self) {
        self.enabled.store(true, Ordering::Release);
    }

    /// Records that the API server reaches the webhook and trusts its certificate.
    pub(crate) fn set_reached(&self) {
        self.reached.store(true, Ordering::Release);
        self.set_ready();
    }

    /// Returns whether the API server reaches the webhook and trusts its certificate.
    pub(crate) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// Marks the webhook as ready.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Returns whether the webhook is ready or disabled.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) || !self.enabled.load(Ordering::Acquire)
    }
}

impl Context {
    /// Creates a context with empty caches.
    pub(crate) fn new(
        client: Client,
        settings: Settings,
        digest_key: DigestKey,
        sealing_keys: SealingKeys,
        metrics: Metrics,
    ) -> Self {
        Self {
            events: Events::new(client.clone()),
            client,
            stores: Stores::default(),
            queue: Queue::default(),
            settings,
            digest_key,
            sealing_keys,
            guess_limit: GuessLimiter::new(Instant::now()),
            metrics,
            webhook: WebhookReadiness::default(),
            started: AtomicBool::new(false),
            leading: AtomicBool::new(false),
            locks: (0..LOCK_COUNT).map(|_| Mutex::new(())).collect(),
            gate_locks: (0..LOCK_COUNT).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Returns which projections are in use, according to the caches.
    pub(crate) fn usage(&self) -> Usage<'_> {
        Usage {
            stores: &self.stores,
            settings: &self.settings,
        }
    }

    /// Returns whether all caches are filled. Until then no object can be assumed to be deleted.
    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Marks all caches as filled.
    pub(crate) fn set_started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// Returns whether this replica is the leader. The other replicas keep their caches current for a fast
    /// failover.
    pub(crate) fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Acquire)
    }

    /// Marks this replica as the leader.
    pub(crate) fn set_leading(&self) {
        self.leading.store(true, Ordering::Release);
    }

    /// Enqueues a task if this replica is the leader.
    pub(crate) fn enqueue(&self, task: Task, priority: Priority) {
        if self.is_leading() {
            self.queue.add(task, priority);
        }
    }

    /// Enqueues a task once no further call for it arrives for a while.
    pub(crate) fn enqueue_debounced(&self, task: Task) {
        if self.is_leading() {
            self.queue
                .add_after(task, Priority::Background, DEBOUNCE, DEBOUNCE_MAX);
        }
    }

    /// Enqueues a task again after a fixed delay, because no watch reports when its problem is solved.
    pub(crate) fn requeue(&self, task: Task) {
        self.queue
            .add_after(task, Priority::Background, REQUEUE, REQUEUE);
    }

    /// Locks a projection for writing. The workflow and the projection controller both render.
    pub(crate) async fn lock_projection(&self, key: &ObjectKey) -> MutexGuard<'_, ()> {
        self.locks[self.slot(key)].lock().await
    }

    /// Locks a run gate for writing. May be called while a projection is locked, not the other way round.
    pub(crate) async fn lock_run_gate(&self, key: &ObjectKey) -> MutexGuard<'_, ()> {
        self.gate_locks[self.slot(key)].lock().await
    }

    fn slot(&self, key: &ObjectKey) -> usize {
        usize::try_from(self.hasher.hash_one(key) % LOCK_COUNT as u64).unwrap_or(0)
    }
}
