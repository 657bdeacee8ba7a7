//! Limits how often values are compared with a sealed one: each failed comparison is a guess.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use extension_registry_core::record::RecordKey;
use parking_lot::Mutex;

/// Failed comparisons of one record in [`PERIOD`].
const OF_A_RECORD: u32 = 10;
/// Failed comparisons of all records in [`PERIOD`].
const OF_ALL: u32 = 300;
/// The time in which an empty bucket fills up.
const PERIOD: Duration = Duration::from_mins(1);
/// Records with a bucket. [`OF_ALL`] keeps their number below this.
const MOST: usize = 1_024;

/// Token buckets, one for each record and one for all of them. A comparison takes a token from both,
/// and puts it back if the values are equal.
pub(crate) struct GuessLimit(Mutex<Buckets>);

struct Buckets {
    all: Bucket,
    records: HashMap<RecordKey, Bucket>,
}

/// A token bucket, as the time at which it is full again.
#[derive(Clone, Copy)]
struct Bucket {
    size: u32,
    full_at: Instant,
}

impl Bucket {
    fn new(size: u32, now: Instant) -> Self {
        Self { size, full_at: now }
    }

    /// The time in which one token comes in.
    fn step(&self) -> Duration {
        PERIOD / self.size
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    fn has_token(&self, now: Instant) -> bool {
        self.full_at.saturating_duration_since(now) + self.step() <= PERIOD
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.step();
    }

    fn put_back(&mut self) {
        self.full_at -= self.step();
    }
}

impl GuessLimit {
    /// Every bucket is full.
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Buckets {
            all: Bucket::new(OF_ALL, now),
            records: HashMap::new(),
        }))
    }

    /// Takes a token for one comparison with a value of the record. Without a token there must not
    /// be a comparison.
    pub(crate) fn take(&self, record: &RecordKey, now: Instant) -> bool {
        let mut buckets = self.0.lock();
        let Buckets { all, records } = &mut *buckets;
        if records.len() >= MOST {
            records.retain(|_, bucket| !bucket.is_full(now));
        }
        let known = records.get(record).copied();
        let mut bucket = known.unwrap_or_else(|| Bucket::new(OF_A_RECORD, now));
        let is_allowed = all.has_token(now) && bucket.has_token(now) && records.len() < MOST;
        if is_allowed {
            all.take(now);
            bucket.take(now);
            records.insert(record.clone(), bucket);
        }
        is_allowed
    }

    /// Puts the token of a comparison back: the values are equal.
    pub(crate) fn put_back(&self, record: &RecordKey) {
        let mut buckets = self.0.lock();
        buckets.all.put_back();
        if let Some(bucket) = buckets.records.get_mut(record) {
            bucket.put_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use extension_registry_core::record::RecordKey;

    use super::{GuessLimit, MOST, OF_A_RECORD, OF_ALL, PERIOD};

    fn count(limit: &GuessLimit, record: &RecordKey, now: Instant) -> u32 {
        let mut count = 0;
        while limit.take(record, now) {
            count += 1;
        }
        count
    }

    #[test]
    fn failed_comparisons_of_a_record_are_limited_by_time() {
        let now = Instant::now();
        let limit = GuessLimit::new(now);
        let (one, other) = (RecordKey::cluster("one"), RecordKey::cluster("other"));
        assert_eq!(count(&limit, &one, now), OF_A_RECORD);
        assert_eq!(count(&limit, &one, now + Duration::from_secs(5)), 0);
        assert_eq!(count(&limit, &one, now + Duration::from_secs(6)), 1);
        assert_eq!(count(&limit, &other, now), OF_A_RECORD);
        assert_eq!(count(&limit, &one, now + PERIOD * 9), OF_A_RECORD);
    }

    #[test]
    fn equal_values_use_up_nothing() {
        let now = Instant::now();
        let limit = GuessLimit::new(now);
        let record = RecordKey::cluster("one");
        for _ in 0..1_000 {
            assert!(limit.take(&record, now));
            limit.put_back(&record);
        }
        assert_eq!(count(&limit, &record, now), OF_A_RECORD);
    }

    #[test]
    fn failed_comparisons_of_all_records_are_limited_and_so_is_the_memory() {
        let now = Instant::now();
        let limit = GuessLimit::new(now);
        let mut total = 0;
        for number in 0..10_000_u32 {
            let later = now + PERIOD * (number / 5_000);
            let record = RecordKey::cluster(format!("r{number}"));
            total += u32::from(limit.take(&record, later));
        }
        assert_eq!(total, 2 * OF_ALL);
        assert!(limit.0.lock().records.len() <= MOST);
    }
}
