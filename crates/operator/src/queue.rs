//! The work queue: one for all kinds of work, so that what is urgent goes first.
//!
//! A key is at most once in the queue and never worked on twice at a time. Urgency decides the
//! order, and within one urgency the namespaces take turns; every few turns the least urgent work gets
//! one, so that nothing waits for ever. A change that touches two thousand workflows therefore
//! does not hold up the one that a person has just applied.

mod lane;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use lane::Lane;
pub(crate) use lane::{Tenant, Tenanted};

/// How soon work is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Access was lost: first of all.
    Revocation,
    /// Somebody changed this object.
    Direct,
    /// Something that this object depends on changed.
    Dependent,
    /// Counters, resync, the first look after a start.
    Background,
}

const LEVELS: usize = 4;
/// One turn in so many goes to the least urgent work.
const FAIR_TURN: u64 = 8;
/// For so long after somebody's own change everything less urgent steps back: the API server answers
/// as fast as it is not flooded.
const STEP_BACK: Duration = Duration::from_secs(1);
/// So much of the less urgent work goes on at a time meanwhile.
const PATIENT_MEANWHILE: usize = 1;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_mins(1);

impl Urgency {
    fn level(self) -> usize {
        self as usize
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In a lane.
    Waiting(Urgency),
    /// With a worker; what arrived meanwhile makes it come back.
    Working {
        again: Option<Urgency>,
        patient: bool,
    },
}

#[derive(Debug)]
struct Delay {
    due: Instant,
    latest: Instant,
    urgency: Urgency,
}

#[derive(Debug)]
struct State<K> {
    lanes: [Lane<K>; LEVELS],
    places: HashMap<K, Place>,
    delays: HashMap<K, Delay>,
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    timer_keys: HashMap<u64, K>,
    failures: HashMap<K, u32>,
    serial: u64,
    turn: u64,
    /// Keys of the less urgent lanes that workers have.
    patient: usize,
    step_back_until: Option<Instant>,
    closed: bool,
}

/// The queue. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub(crate) struct Queue<K> {
    state: Mutex<State<K>>,
    wake: Notify,
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                lanes: std::array::from_fn(|_| Lane::default()),
                places: HashMap::new(),
                delays: HashMap::new(),
                timers: BinaryHeap::new(),
                timer_keys: HashMap::new(),
                failures: HashMap::new(),
                serial: 0,
                turn: 0,
                patient: 0,
                step_back_until: None,
                closed: false,
            }),
            wake: Notify::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Tenanted> Queue<K> {
    /// Wants work on a key. Already waiting, it keeps its place or moves up; being worked on, it
    /// comes back afterwards.
    pub(crate) fn add(&self, key: K, urgency: Urgency) {
        self.state.lock().add(key, urgency);
        self.wake.notify_one();
    }

    /// Wants work after a delay. A second call before that puts it off again, but never past
    /// `latest` after the first.
    pub(crate) fn add_after(&self, key: K, urgency: Urgency, delay: Duration, latest: Duration) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let entry = state.delays.entry(key.clone()).or_insert(Delay {
            due: now + delay,
            latest: now + latest,
            urgency,
        });
        entry.due = (now + delay).min(entry.latest);
        entry.urgency = entry.urgency.min(urgency);
        let due = entry.due;
        state.set_timer(key, due);
        drop(state);
        self.wake.notify_one();
    }

    /// Tries a failed key again, later each time: 100 ms, doubling, at most a minute.
    pub(crate) fn retry(&self, key: K, urgency: Urgency) {
        let mut state = self.state.lock();
        let failures = state.failures.entry(key.clone()).or_insert(0);
        let delay = FIRST_RETRY
            .saturating_mul(1 << (*failures).min(16))
            .min(LAST_RETRY);
        *failures += 1;
        drop(state);
        self.add_after(key, urgency, delay, delay);
    }

    /// The next key, when there is one; `None` once the queue is closed. [`Queue::done`] must follow.
    pub(crate) async fn next(&self) -> Option<K> {
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
                        // Another worker takes the rest, or watches the clock in place of this one.
                        self.wake.notify_one();
                    }
                    return Some(key);
                }
                let timer = state.timers.peek().map(|Reverse((due, _))| *due);
                let stepped_back = state
                    .step_back_until
                    .filter(|_| state.lanes.iter().any(|lane| !lane.is_empty()));
                timer.into_iter().chain(stepped_back).min()
            };
            match due {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due.into(), notified).await;
                }
                None => notified.await,
            }
        }
    }

    /// Says that the work on a key has ended. Success forgets earlier failures.
    pub(crate) fn done(&self, key: &K, succeeded: bool) {
        let mut state = self.state.lock();
        if succeeded {
            state.failures.remove(key);
        }
        if let Some(Place::Working { again, patient }) = state.places.remove(key) {
            state.patient -= usize::from(patient);
            if let Some(urgency) = again {
                state.add(key.clone(), urgency);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Lets every worker go home after the key it has.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Whether objects wait that somebody changed, or that depend on one: counters can wait for those.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.state.lock();
        [Urgency::Direct, Urgency::Dependent]
            .into_iter()
            .any(|urgency| !state.lanes[urgency.level()].is_empty())
    }

    /// Keys that wait now, delayed ones aside.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().lanes.iter().map(Lane::len).sum()
    }
}

impl<K: Clone + Eq + Hash + Tenanted> State<K> {
    fn add(&mut self, key: K, urgency: Urgency) {
        match self.places.get_mut(&key) {
            Some(Place::Working { again, .. }) => {
                *again = Some(again.map_or(urgency, |other| other.min(urgency)));
            }
            Some(Place::Waiting(current)) if urgency < *current => {
                // The old place in its lane goes stale and is skipped when its turn comes.
                *current = urgency;
                self.lanes[urgency.level()].push_back(key);
            }
            Some(Place::Waiting(_)) => {}
            None => {
                self.places.insert(key.clone(), Place::Waiting(urgency));
                self.lanes[urgency.level()].push_back(key);
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
            // A timer that was put off meanwhile has a successor.
            if self.delays.get(&key).is_some_and(|delay| delay.due <= now)
                && let Some(delay) = self.delays.remove(&key)
            {
                self.add(key, delay.urgency);
            }
        }
    }

    fn take(&mut self, now: Instant) -> Option<K> {
        self.turn += 1;
        let fair = self.turn.is_multiple_of(FAIR_TURN);
        if self.step_back_until.is_some_and(|until| until <= now) {
            self.step_back_until = None;
        }
        for position in 0..LEVELS {
            let level = if fair {
                LEVELS - 1 - position
            } else {
                position
            };
            let patient = level > Urgency::Direct.level();
            if patient && self.step_back_until.is_some() && self.patient >= PATIENT_MEANWHILE {
                continue;
            }
            while let Some(key) = self.lanes[level].pop_front() {
                if matches!(self.places.get(&key), Some(Place::Waiting(urgency)) if urgency.level() == level)
                {
                    let again = None;
                    self.places
                        .insert(key.clone(), Place::Working { again, patient });
                    self.patient += usize::from(patient);
                    if level == Urgency::Direct.level() {
                        self.step_back_until = Some(now + STEP_BACK);
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

    use super::{Queue, Tenant, Tenanted, Urgency};

    impl Tenanted for i32 {
        fn tenant(&self) -> Tenant {
            None
        }
    }

    #[tokio::test]
    async fn urgent_work_goes_first_and_equal_work_in_order_of_arrival() {
        let queue = Queue::default();
        for (key, urgency) in [
            (1, Urgency::Background),
            (2, Urgency::Dependent),
            (3, Urgency::Dependent),
            (4, Urgency::Revocation),
        ] {
            queue.add(key, urgency);
        }
        let mut order = Vec::new();
        for _ in 0..4 {
            order.extend(queue.next().await);
        }
        assert_eq!(order, [4, 2, 3, 1]);
    }

    #[tokio::test]
    async fn after_somebodys_own_change_the_rest_steps_back_for_a_while() {
        let queue = Queue::default();
        (1..=4).for_each(|key| queue.add(key, Urgency::Dependent));
        queue.add(9, Urgency::Direct);
        let soon = || tokio::time::timeout(Duration::from_millis(100), queue.next());
        assert_eq!(soon().await, Ok(Some(9)));
        queue.done(&9, true);
        assert_eq!(soon().await, Ok(Some(1)));
        assert!(soon().await.is_err());
        queue.add(8, Urgency::Revocation);
        assert_eq!(soon().await, Ok(Some(8)));
        queue.done(&1, true);
        assert_eq!(soon().await, Ok(Some(2)));
        let after = tokio::time::timeout(Duration::from_secs(3), queue.next());
        assert_eq!(after.await, Ok(Some(3)));
    }

    #[tokio::test]
    async fn a_waiting_key_moves_up_and_comes_once() {
        let queue = Queue::default();
        queue.add(1, Urgency::Dependent);
        queue.add(2, Urgency::Background);
        queue.add(2, Urgency::Direct);
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
    async fn a_key_being_worked_on_waits_and_comes_back() {
        let queue = Queue::default();
        queue.add(1, Urgency::Direct);
        assert_eq!(queue.next().await, Some(1));
        queue.add(1, Urgency::Direct);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), queue.next())
                .await
                .is_err()
        );
        queue.done(&1, true);
        assert_eq!(queue.next().await, Some(1));
    }

    #[tokio::test]
    async fn background_work_gets_a_turn_under_a_flood() {
        let queue = Queue::default();
        queue.add(1_000, Urgency::Background);
        for key in 0..100 {
            queue.add(key, Urgency::Direct);
        }
        for turn in 1..=100 {
            if queue.next().await == Some(1_000) {
                assert!(turn <= 8, "{turn}");
                return;
            }
        }
        panic!("background work never came");
    }

    #[tokio::test]
    async fn a_delay_is_put_off_but_not_for_ever() {
        let queue = Queue::default();
        let (delay, latest) = (Duration::from_millis(100), Duration::from_millis(300));
        queue.add_after(1, Urgency::Background, delay, latest);
        let mut put_off = 0;
        while tokio::time::timeout(Duration::from_millis(20), queue.next())
            .await
            .is_err()
        {
            queue.add_after(1, Urgency::Background, delay, latest);
            put_off += 1;
            assert!(put_off < 100, "put off for ever");
        }
        assert!(put_off > 5, "{put_off}: it came although it was put off");
    }

    #[tokio::test]
    async fn closing_sends_every_worker_home() {
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
