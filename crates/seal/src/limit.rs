//! Rate limit of comparisons with sealed values. Each failed comparison is a guess.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use extension_registry_core::record::RecordKey;
use parking_lot::Mutex;

/// Maximum failed comparisons per record in [`PERIOD`].
const MAX_PER_RECORD: u32 = 10;
/// Maximum failed comparisons of all records in [`PERIOD`].
const MAX_TOTAL: u32 = 300;
/// Time in which an empty bucket is refilled.
const PERIOD: Duration = Duration::from_mins(1);
/// Maximum number of records with a bucket. [`MAX_TOTAL`] keeps the number below.
const MAX_RECORDS: usize = 1_024;

/// Token buckets for each record and for all records. A comparison takes a token from both and returns it
/// if the values are equal.
pub struct GuessLimiter(Mutex<Buckets>);

struct Buckets {
    all: Bucket,
    records: HashMap<RecordKey, Bucket>,
}

/// A token bucket, represented by the time at which it is full again.
#[derive(Clone, Copy)]
struct Bucket {
    size: u32,
    full_at: Instant,
}

impl Bucket {
    fn new(size: u32, now: Instant) -> Self {
        Self { size, full_at: now }
    }

    /// Returns the time in which one token is refilled.
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

impl GuessLimiter {
    /// Creates full buckets.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Buckets {
            all: Bucket::new(MAX_TOTAL, now),
            records: HashMap::new(),
        }))
    }

    /// Takes a token for one comparison with a value of a record. If it returns `false`, the caller must not
    /// compare.
    #[must_use]
    pub fn take(&self, record: &RecordKey, now: Instant) -> bool {
        let mut buckets = self.0.lock();
        let Buckets { all, records } = &mut *buckets;
        if records.len() >= MAX_RECORDS {
            records.retain(|_, bucket| !bucket.is_full(now));
        }
        let known = records.get(record).copied();
        let mut bucket = known.unwrap_or_else(|| Bucket::new(MAX_PER_RECORD, now));
        let is_allowed = all.has_token(now) && bucket.has_token(now) && records.len() < MAX_RECORDS;
        if is_allowed {
            all.take(now);
            bucket.take(now);
            records.insert(record.clone(), bucket);
        }
        is_allowed
    }

    /// Returns the token of a comparison of equal values.
    pub fn put_back(&self, record: &RecordKey) {
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

    use super::{GuessLimiter, MAX_PER_RECORD, MAX_RECORDS, MAX_TOTAL, PERIOD};

    fn count(limit: &GuessLimiter, record: &RecordKey, now: Instant) -> u32 {
        let mut count = 0;
        while limit.take(record, now) {
            count += 1;
        }
        count
    }

    #[test]
    fn limits_failed_comparisons_per_record() {
        let now = Instant::now();
        let limit = GuessLimiter::new(now);
        let (one, other) = (RecordKey::cluster("one"), RecordKey::cluster("other"));
        assert_eq!(count(&limit, &one, now), MAX_PER_RECORD);
        assert_eq!(count(&limit, &one, now + Duration::from_secs(5)), 0);
        assert_eq!(count(&limit, &one, now + Duration::from_secs(6)), 1);
        assert_eq!(count(&limit, &other, now), MAX_PER_RECORD);
        assert_eq!(count(&limit, &one, now + PERIOD * 9), MAX_PER_RECORD);
    }

    #[test]
    fn equal_values_consume_no_token() {
        let now = Instant::now();
        let limit = GuessLimiter::new(now);
        let record = RecordKey::cluster("one");
        for _ in 0..1_000 {
            assert!(limit.take(&record, now));
            limit.put_back(&record);
        }
        assert_eq!(count(&limit, &record, now), MAX_PER_RECORD);
    }

    #[test]
    fn limits_total_failed_comparisons_and_memory() {
        let now = Instant::now();
        let limit = GuessLimiter::new(now);
        let mut total = 0;
        for number in 0..10_000_u32 {
            let later = now + PERIOD * (number / 5_000);
            let record = RecordKey::cluster(format!("r{number}"));
            total += u32::from(limit.take(&record, later));
        }
        assert_eq!(total, 2 * MAX_TOTAL);
        assert!(limit.0.lock().records.len() <= MAX_RECORDS);
    }
}
