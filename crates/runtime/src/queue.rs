//! Priority queue of reconcile requests, shared by all controllers.
//!
//! A key is queued at most once and never processed concurrently. Keys are taken by priority; namespaces
//! take turns within a priority. Every few turns the lowest priority goes first, so that no key starves. A
//! change that affects two thousand workflows therefore does not delay a workflow that a user has just applied.

mod lane;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use lane::Lane;
pub use lane::{Tenant, Tenanted};

/// Priority of a key, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Access was revoked.
    Revocation,
    /// A user changed the object.
    Direct,
    /// A dependency of the object changed.
    Dependent,
    /// Consumer counts, resync and the initial reconcile after a start.
    Background,
}

const LEVELS: usize = 4;
/// One in this many turns starts with the lowest priority.
const FAIR_TURN: u64 = 8;
/// Time after a direct change during which lower priorities are throttled, so that the API server
/// responds to it quickly.
const BACKOFF_PERIOD: Duration = Duration::from_secs(1);
/// Maximum number of keys below [`Priority::Direct`] that are processed at once during that time.
const MAX_BACKGROUND: usize = 1;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_mins(1);

impl Priority {
    fn level(self) -> usize {
        self as usize
    }
}

#[derive(Debug, PartialEq, Eq)]
enum EntryState {
    /// In a lane.
    Queued(Priority),
    /// With a worker.
    Processing {
        /// Queue it again afterwards, because it was added in the meantime.
        requeue: Option<Priority>,
        background: bool,
    },
}

#[derive(Debug)]
struct Delay {
    due: Instant,
    latest: Instant,
    priority: Priority,
}

#[derive(Debug)]
struct State<K> {
    lanes: [Lane<K>; LEVELS],
    entries: HashMap<K, EntryState>,
    delays: HashMap<K, Delay>,
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    timer_keys: HashMap<u64, K>,
    failures: HashMap<K, u32>,
    serial: u64,
    turn: u64,
    /// Number of keys below [`Priority::Direct`] that are being processed.
    background: usize,
    backoff_until: Option<Instant>,
    closed: bool,
}

/// Priority queue of keys, shared by all workers.
#[derive(Debug)]
pub struct Queue<K> {
    state: Mutex<State<K>>,
    wake: Notify,
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                lanes: std::array::from_fn(|_| Lane::default()),
                entries: HashMap::new(),
                delays: HashMap::new(),
                timers: BinaryHeap::new(),
                timer_keys: HashMap::new(),
                failures: HashMap::new(),
                serial: 0,
                turn: 0,
                background: 0,
                backoff_until: None,
                closed: false,
            }),
            wake: Notify::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Tenanted> Queue<K> {
    /// Adds a key. A queued key keeps its place or moves to a higher priority; a key that is being processed
    /// is queued again afterwards.
    pub fn add(&self, key: K, priority: Priority) {
        self.state.lock().add(key, priority);
        self.wake.notify_one();
    }

    /// Adds a key after a delay. Another call before that restarts the delay, up to `latest` after the first
    /// call.
    pub fn add_after(&self, key: K, priority: Priority, delay: Duration, latest: Duration) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let entry = state.delays.entry(key.clone()).or_insert(Delay {
            due: now + delay,
            latest: now + latest,
            priority,
        });
        entry.due = (now + delay).min(entry.latest);
        entry.priority = entry.priority.min(priority);
        let due = entry.due;
        state.set_timer(key, due);
        drop(state);
        self.wake.notify_one();
    }

    /// Adds a failed key with exponential backoff: 100 ms, doubled for each failure, at most one minute.
    pub fn retry(&self, key: K, priority: Priority) {
        let mut state = self.state.lock();
        let failures = state.failures.entry(key.clone()).or_insert(0);
        let delay = FIRST_RETRY
            .saturating_mul(1 << (*failures).min(16))
            .min(LAST_RETRY);
        *failures += 1;
        drop(state);
        self.add_after(key, priority, delay, delay);
    }

    /// Waits for the next key; `None` once the queue is closed. The caller must call [`Queue::done`].
    pub async fn next(&self) -> Option<K> {
        loop {
            let notified = self.wake.notified();
            let due = {
                let mut state = self.state.lock();
                if state.closed {
                    drop(state);
                    self.wake.notify_one();
                    return None;
                }
                let now = Instant::now();
                state.release_due(now);
                if let Some(key) = state.take(now) {
                    if state.lanes.iter().any(|lane| !lane.is_empty()) || !state.timers.is_empty() {
                        // Wake another worker for the remaining keys and the timers.
                        self.wake.notify_one();
                    }
                    return Some(key);
                }
                let timer = state.timers.peek().map(|Reverse((due, _))| *due);
                let backoff = state
                    .backoff_until
                    .filter(|_| state.lanes.iter().any(|lane| !lane.is_empty()));
                timer.into_iter().chain(backoff).min()
            };
            match due {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due.into(), notified).await;
                }
                None => notified.await,
            }
        }
    }

    /// Marks a key as processed. Success resets its backoff.
    pub fn done(&self, key: &K, succeeded: bool) {
        let mut state = self.state.lock();
        if succeeded {
            state.failures.remove(key);
        }
        if let Some(EntryState::Processing {
            requeue,
            background,
        }) = state.entries.remove(key)
        {
            state.background -= usize::from(background);
            if let Some(priority) = requeue {
                state.add(key.clone(), priority);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Closes the queue; every worker stops after its current key.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Returns whether keys of a changed object or its dependents are queued. Consumer counts wait for them.
    pub fn is_busy(&self) -> bool {
        let state = self.state.lock();
        [Priority::Direct, Priority::Dependent]
            .into_iter()
            .any(|priority| !state.lanes[priority.level()].is_empty())
    }

    /// Returns the number of queued keys, without delayed ones.
    pub fn depth(&self) -> usize {
        self.state.lock().lanes.iter().map(Lane::len).sum()
    }
}

impl<K: Clone + Eq + Hash + Tenanted> State<K> {
    fn add(&mut self, key: K, priority: Priority) {
        match self.entries.get_mut(&key) {
            Some(EntryState::Processing { requeue, .. }) => {
                *requeue = Some(requeue.map_or(priority, |other| other.min(priority)));
            }
            Some(EntryState::Queued(current)) if priority < *current => {
                // The stale key in the old lane is skipped by `take`.
                *current = priority;
                self.lanes[priority.level()].push_back(key);
            }
            Some(EntryState::Queued(_)) => {}
            None => {
                self.entries
                    .insert(key.clone(), EntryState::Queued(priority));
                self.lanes[priority.level()].push_back(key);
            }
        }
    }

    fn set_timer(&mut self, key: K, due: Instant) {
        self.serial += 1;
        self.timers.push(Reverse((due, self.serial)));
        self.timer_keys.insert(self.serial, key);
    }

    fn release_due(&mut self, now: Instant) {
        while let Some(Reverse((due, serial))) = self.timers.peek().copied() {
            if due > now {
                return;
            }
            self.timers.pop();
            let Some(key) = self.timer_keys.remove(&serial) else {
                continue;
            };
            // A restarted delay has a later timer.
            if self.delays.get(&key).is_some_and(|delay| delay.due <= now)
                && let Some(delay) = self.delays.remove(&key)
            {
                self.add(key, delay.priority);
            }
        }
    }

    fn take(&mut self, now: Instant) -> Option<K> {
        self.turn += 1;
        let fair = self.turn.is_multiple_of(FAIR_TURN);
        if self.backoff_until.is_some_and(|until| until <= now) {
            self.backoff_until = None;
        }
        for position in 0..LEVELS {
            let level = if fair {
                LEVELS - 1 - position
            } else {
                position
            };
            let background = level > Priority::Direct.level();
            if background && self.backoff_until.is_some() && self.background >= MAX_BACKGROUND {
                continue;
            }
            while let Some(key) = self.lanes[level].pop_front() {
                if matches!(self.entries.get(&key), Some(EntryState::Queued(priority)) if priority.level() == level)
                {
                    let processing = EntryState::Processing {
                        requeue: None,
                        background,
                    };
                    self.entries.insert(key.clone(), processing);
                    self.background += usize::from(background);
                    if level == Priority::Direct.level() {
                        self.backoff_until = Some(now + BACKOFF_PERIOD);
                    }
                    return Some(key);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Priority, Queue, Tenant, Tenanted};

    impl Tenanted for i32 {
        fn tenant(&self) -> Tenant {
            None
        }
    }

    #[tokio::test]
    async fn orders_by_priority_then_arrival() {
        let queue = Queue::default();
        for (key, priority) in [
            (1, Priority::Background),
            (2, Priority::Dependent),
            (3, Priority::Dependent),
            (4, Priority::Revocation),
        ] {
            queue.add(key, priority);
        }
        let mut order = Vec::new();
        for _ in 0..4 {
            order.extend(queue.next().await);
        }
        assert_eq!(order, [4, 2, 3, 1]);
    }

    #[tokio::test]
    async fn throttles_lower_priorities_after_direct_change() {
        let queue = Queue::default();
        (1..=4).for_each(|key| queue.add(key, Priority::Dependent));
        queue.add(9, Priority::Direct);
        let soon = || tokio::time::timeout(Duration::from_millis(100), queue.next());
        assert_eq!(soon().await, Ok(Some(9)));
        queue.done(&9, true);
        assert_eq!(soon().await, Ok(Some(1)));
        assert!(soon().await.is_err());
        queue.add(8, Priority::Revocation);
        assert_eq!(soon().await, Ok(Some(8)));
        queue.done(&1, true);
        assert_eq!(soon().await, Ok(Some(2)));
        let after = tokio::time::timeout(Duration::from_secs(3), queue.next());
        assert_eq!(after.await, Ok(Some(3)));
    }

    #[tokio::test]
    async fn queued_key_moves_up_and_is_returned_once() {
        let queue = Queue::default();
        queue.add(1, Priority::Dependent);
        queue.add(2, Priority::Background);
        queue.add(2, Priority::Direct);
        assert_eq!(queue.next().await, Some(2));
        assert_eq!(queue.next().await, Some(1));
        queue.done(&1, true);
        queue.done(&2, true);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), queue.next())
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn requeues_key_added_during_processing() {
        let queue = Queue::default();
        queue.add(1, Priority::Direct);
        assert_eq!(queue.next().await, Some(1));
        queue.add(1, Priority::Direct);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), queue.next())
                .await
                .is_err()
        );
        queue.done(&1, true);
        assert_eq!(queue.next().await, Some(1));
    }

    #[tokio::test]
    async fn background_keys_do_not_starve() {
        let queue = Queue::default();
        queue.add(1_000, Priority::Background);
        for key in 0..100 {
            queue.add(key, Priority::Direct);
        }
        for turn in 1..=100 {
            if queue.next().await == Some(1_000) {
                assert!(turn <= 8, "{turn}");
                return;
            }
        }
        panic!("background key starved");
    }

    #[tokio::test]
    async fn repeated_calls_extend_delay_up_to_limit() {
        let queue = Queue::default();
        let (delay, latest) = (Duration::from_millis(100), Duration::from_millis(300));
        queue.add_after(1, Priority::Background, delay, latest);
        let mut extended = 0;
        while tokio::time::timeout(Duration::from_millis(20), queue.next())
            .await
            .is_err()
        {
            queue.add_after(1, Priority::Background, delay, latest);
            extended += 1;
            assert!(extended < 100, "the delay has no limit");
        }
        assert!(extended > 5, "the delay was extended only {extended} times");
    }

    #[tokio::test]
    async fn close_stops_all_workers() {
        let queue = std::sync::Arc::new(Queue::<i32>::default());
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for worker in workers {
            assert_eq!(worker.await.unwrap(), None);
        }
    }
}
