//! Prometheus metrics. No label contains an object name.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// Labels of a completed reconcile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ReconcileLabels {
    /// `workflow`, `binding`, `projection`, `run`, `run gate` or `record`.
    pub controller: &'static str,
    /// `ok`, or [`Error::label`](extension_registry_runtime::error::Error::label).
    pub outcome: &'static str,
}

/// Labels of a write request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct WriteLabels {
    /// Kind of the object.
    pub kind: &'static str,
    /// `create`, `update`, `apply`, `status` or `delete`.
    pub verb: &'static str,
}

/// Labels of an admission request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AdmissionLabels {
    /// Phase and kind, such as `mutate records`.
    pub webhook: &'static str,
    /// `admitted`, `changed`, `refused`, `failed` or `unreadable`.
    pub outcome: &'static str,
}

/// Label of a refused workflow or binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RefusalLabels {
    /// Reason of the `Ready` condition.
    pub reason: &'static str,
}

/// All metrics. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    /// Completed reconciles.
    pub reconciles: Family<ReconcileLabels, Counter>,
    /// Duration of reconciles.
    pub reconcile_seconds: Histogram,
    /// Write requests to the API server.
    pub writes: Family<WriteLabels, Counter>,
    /// Reconciles that refused a workflow or a binding.
    pub refusals: Family<RefusalLabels, Counter>,
    /// Duration of admission requests.
    pub admission_seconds: Family<AdmissionLabels, Histogram>,
    /// Length of the work queue.
    pub queue_length: Gauge,
    /// Cached objects by kind.
    pub objects: Family<KindLabels, Gauge>,
    /// Expiry of the serving certificate; no series without a webhook.
    certificate_expiry: Family<[(&'static str, &'static str); 0], Gauge>,
}

/// Label of cached objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct KindLabels {
    /// `record`, `workflow`, `binding` or `projection`.
    pub kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("extension_registry");
        let reconciles = Family::<ReconcileLabels, Counter>::default();
        let reconcile_seconds = Histogram::new(BUCKETS);
        let writes = Family::<WriteLabels, Counter>::default();
        let refusals = Family::<RefusalLabels, Counter>::default();
        let admission_seconds =
            Family::<AdmissionLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let queue_length = Gauge::default();
        let objects = Family::<KindLabels, Gauge>::default();
        let certificate_expiry = Family::default();
        registry.register("work", "Completed reconciliations", reconciles.clone());
        registry.register(
            "work_seconds",
            "Duration of reconciliations in seconds",
            reconcile_seconds.clone(),
        );
        registry.register("writes", "Write requests to the API server", writes.clone());
        registry.register(
            "refusals",
            "Reconciliations that refused a workflow or a binding",
            refusals.clone(),
        );
        registry.register(
            "admission_seconds",
            "Duration of admission requests in seconds",
            admission_seconds.clone(),
        );
        registry.register(
            "queue_waiting",
            "Objects waiting in the work queue",
            queue_length.clone(),
        );
        registry.register("objects", "Objects in the cache", objects.clone());
        registry.register(
            "webhook_certificate_expiry_timestamp_seconds",
            "Expiry of the webhook serving certificate in seconds since the Unix epoch",
            certificate_expiry.clone(),
        );
        Self {
            registry: Arc::new(registry),
            reconciles,
            reconcile_seconds,
            writes,
            refusals,
            admission_seconds,
            queue_length,
            objects,
            certificate_expiry,
        }
    }
}

impl Metrics {
    /// Counts a write request.
    pub(crate) fn count_write(&self, kind: &'static str, verb: &'static str) {
        self.writes.get_or_create(&WriteLabels { kind, verb }).inc();
    }

    /// Sets the expiry of the serving certificate, in seconds since the Unix epoch.
    pub(crate) fn set_certificate_expiry(&self, seconds: i64) {
        self.certificate_expiry.get_or_create(&[]).set(seconds);
    }

    /// Encodes all metrics in the `OpenMetrics` text format.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
