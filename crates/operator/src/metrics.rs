//! Counters for `/metrics`. No label ever holds a name of an object.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends of the classes of times, in seconds.
const BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// Labels of a finished piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Work {
    /// `workflow`, `projection`, `record`.
    pub controller: &'static str,
    /// `ok`, or the label of the error.
    pub outcome: &'static str,
}

/// Labels of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Write {
    /// Kind of the object.
    pub kind: &'static str,
    /// `create`, `update`, `apply`, `status`, `delete`.
    pub verb: &'static str,
}

/// Labels of a request to the webhook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Admission {
    /// Which door was knocked at.
    pub door: &'static str,
    /// `admitted`, `changed`, `refused`, `failed`, `unreadable`.
    pub outcome: &'static str,
}

/// Label of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Refused {
    /// Name of the refusal.
    pub reason: &'static str,
}

/// All counters. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    /// Finished work.
    pub work: Family<Work, Counter>,
    /// Seconds a piece of work took.
    pub seconds: Histogram,
    /// Requests that write.
    pub writes: Family<Write, Counter>,
    /// Refused requirements.
    pub refusals: Family<Refused, Counter>,
    /// Seconds that requests to the webhook took.
    pub admissions: Family<Admission, Histogram>,
    /// Keys waiting in the queue.
    pub waiting: Gauge,
    /// Objects known, by kind.
    pub objects: Family<Kind, Gauge>,
    /// When the serving certificate expires; no series without a webhook.
    certificate: Family<[(&'static str, &'static str); 0], Gauge>,
}

/// Label of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    /// The kind.
    pub kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("extension_registry");
        let work = Family::<Work, Counter>::default();
        let seconds = Histogram::new(BUCKETS);
        let writes = Family::<Write, Counter>::default();
        let refusals = Family::<Refused, Counter>::default();
        let admissions =
            Family::<Admission, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let waiting = Gauge::default();
        let objects = Family::<Kind, Gauge>::default();
        let certificate = Family::default();
        registry.register("work", "Finished pieces of work", work.clone());
        registry.register(
            "work_seconds",
            "Time a piece of work took, in seconds",
            seconds.clone(),
        );
        registry.register("writes", "Requests that write", writes.clone());
        registry.register("refusals", "Workflows refused", refusals.clone());
        registry.register(
            "admission_seconds",
            "Time a request to the webhook took, in seconds",
            admissions.clone(),
        );
        registry.register(
            "queue_waiting",
            "Keys that wait in the queue",
            waiting.clone(),
        );
        registry.register("objects", "Objects known", objects.clone());
        registry.register(
            "webhook_certificate_expiry_timestamp_seconds",
            "When the serving certificate of the webhook expires, in seconds since 1970",
            certificate.clone(),
        );
        Self {
            registry: Arc::new(registry),
            work,
            seconds,
            writes,
            refusals,
            admissions,
            waiting,
            objects,
            certificate,
        }
    }
}

impl Metrics {
    /// Counts a write.
    pub(crate) fn wrote(&self, kind: &'static str, verb: &'static str) {
        self.writes.get_or_create(&Write { kind, verb }).inc();
    }

    /// Sets when the serving certificate expires, in seconds since 1970.
    pub(crate) fn certificate_expires(&self, seconds: i64) {
        self.certificate.get_or_create(&[]).set(seconds);
    }

    /// The text that a scrape gets.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
