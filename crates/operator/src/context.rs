//! What every piece of work shares.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use extension_registry_api::Workflow;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::Person;
use kube::Client;
use tokio::sync::{Mutex, MutexGuard};

use crate::args::InlineCredentials;
use crate::digest::DigestKey;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::queue::{Queue, Urgency};
use crate::seal::{GuessLimit, SealingKeys};
use crate::store::World;
use crate::task::Task;

/// Counters settle for so long before they are written.
const SETTLE: Duration = Duration::from_secs(1);
/// But no longer than this after the first change.
const SETTLE_LATEST: Duration = Duration::from_secs(30);

/// How soon something is looked at again that ends with a change which no watch shows.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

const LOCKS: usize = 256;

/// Settings that work needs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Namespace of the operator itself.
    pub namespace: Arc<str>,
    /// Namespace of the source Secrets of cluster records.
    pub records_namespace: Arc<str>,
    /// Who the operator is, as the API server calls it; empty when it did not say.
    pub account: Arc<str>,
    /// Whether annotations about authors prove nothing, because no policies are in force.
    pub ignore_authors: bool,
    /// What is done with credentials written into a record.
    pub inline_credentials: InlineCredentials,
    /// The only namespaces that are looked at; empty means all.
    pub namespaces: Box<[Arc<str>]>,
    /// Zone in which steps run.
    pub zone: Option<Arc<str>>,
    /// How long an unused Secret is kept.
    pub unused_grace: Duration,
}

/// Everything that work needs beside its key.
pub(crate) struct Context {
    /// For the steps that talk to the cluster.
    pub client: Client,
    /// The copy of the cluster.
    pub world: World,
    /// The work.
    pub queue: Queue<Task>,
    /// Settings.
    pub settings: Settings,
    /// Key of all digests.
    pub digest_key: DigestKey,
    /// Keys of sealed values.
    pub sealing_keys: SealingKeys,
    /// Limits guesses of sealed values.
    pub guess_limit: GuessLimit,
    /// Counters.
    pub metrics: Metrics,
    /// Events for people.
    pub events: Events,
    /// The way from the API server to the webhook.
    pub webhook: WebhookPath,
    started: AtomicBool,
    leading: AtomicBool,
    locks: Vec<Mutex<()>>,
    gate_locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

/// Whether the API server reaches the webhook.
#[derive(Debug, Default)]
pub(crate) struct WebhookPath {
    wanted: AtomicBool,
    reached: AtomicBool,
    ready: AtomicBool,
}

impl WebhookPath {
    /// There is a webhook.
    pub(crate) fn set_wanted(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    /// The API server was seen to reach it, and to trust it.
    pub(crate) fn set_reached(&self) {
        self.reached.store(true, Ordering::Release);
        self.set_ready();
    }

    /// Whether the API server was seen to reach it.
    pub(crate) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// This replica has done its part.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) || !self.wanted.load(Ordering::Acquire)
    }
}

impl Context {
    /// A context that knows nothing yet.
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
            world: World::default(),
            queue: Queue::default(),
            settings,
            digest_key,
            sealing_keys,
            guess_limit: GuessLimit::new(Instant::now()),
            metrics,
            webhook: WebhookPath::default(),
            started: AtomicBool::new(false),
            leading: AtomicBool::new(false),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            gate_locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Whether every store was filled once. Before that nothing is decided: what is not yet known
    /// must not look deleted.
    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Says that every store was filled.
    pub(crate) fn set_started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// Whether this replica is the one that works. The others keep their stores current, to be quick
    /// when it is their turn.
    pub(crate) fn is_leading(&self) -> bool {
        self.leading.load(Ordering::Acquire)
    }

    /// Says that it is this replica's turn.
    pub(crate) fn set_leading(&self) {
        self.leading.store(true, Ordering::Release);
    }

    /// Wants work, once everything is known and it is this replica's turn.
    pub(crate) fn want(&self, task: Task, urgency: Urgency) {
        if self.is_leading() {
            self.queue.add(task, urgency);
        }
    }

    /// Wants work on a counter, once it has settled.
    pub(crate) fn want_settled(&self, task: Task) {
        if self.is_leading() {
            self.queue
                .add_after(task, Urgency::Background, SETTLE, SETTLE_LATEST);
        }
    }

    /// Wants to look again at what ends with a change that no watch shows.
    pub(crate) fn look_again(&self, task: Task) {
        self.queue
            .add_after(task, Urgency::Background, LOOK_AGAIN, LOOK_AGAIN);
    }

    /// One writer at a time for a projection: workflows and the projection controller both render.
    pub(crate) async fn lock_projection(&self, key: &ObjectKey) -> MutexGuard<'_, ()> {
        self.locks[self.slot(key)].lock().await
    }

    /// One writer at a time for a run gate. It may be taken while a projection is locked.
    pub(crate) async fn lock_run_gate(&self, key: &ObjectKey) -> MutexGuard<'_, ()> {
        self.gate_locks[self.slot(key)].lock().await
    }

    fn slot(&self, key: &ObjectKey) -> usize {
        usize::try_from(self.hasher.hash_one(key) % LOCKS as u64).unwrap_or(0)
    }

    /// The user on whose behalf a workflow resolves.
    pub(crate) fn author(&self, workflow: &Workflow) -> Option<Person> {
        let author = Person::author(&workflow.metadata);
        author.filter(|_| !self.settings.ignore_authors)
    }
}
