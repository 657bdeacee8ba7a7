//! Reconcile requests.

use std::fmt;
use std::sync::Arc;

use extension_registry_core::record::RecordKey;
use extension_registry_pipeline::RUNS;
use extension_registry_render::ObjectKey;
use extension_registry_runtime::queue::{Tenant, Tenanted};

use crate::store::Consumer;

/// A request to reconcile one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Resolve a workflow, write its Pipeline and update its status.
    Workflow(ObjectKey),
    /// Resolve a binding, write its Secrets and update its status.
    Binding(ObjectKey),
    /// Render, refresh or delete a projection and its Secret.
    Projection(ObjectKey),
    /// Restore the Secrets of a new run and annotate it with its bindings.
    Run(ObjectKey),
    /// Write the run gate of a namespace.
    RunGate(Arc<str>),
    /// Check the references of a record and count its consumers.
    Record(RecordKey),
}

impl Task {
    /// Returns the value of the metric label `controller`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Workflow(_) => "workflow",
            Self::Binding(_) => "binding",
            Self::Projection(_) => "projection",
            Self::Run(_) => "run",
            Self::RunGate(_) => "run gate",
            Self::Record(_) => "record",
        }
    }
}

impl From<Consumer> for Task {
    fn from(consumer: Consumer) -> Self {
        match consumer {
            Consumer::Workflow(key) => Self::Workflow(key),
            Consumer::Binding(key) => Self::Binding(key),
        }
    }
}

impl Tenanted for Task {
    fn tenant(&self) -> Tenant {
        match self {
            Self::Workflow(key) | Self::Binding(key) | Self::Projection(key) | Self::Run(key) => {
                Some(Arc::clone(&key.namespace))
            }
            Self::RunGate(namespace) => Some(Arc::clone(namespace)),
            Self::Record(key) => key.namespace.clone(),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow(key) => write!(formatter, "Workflow {key}"),
            Self::Binding(key) => write!(formatter, "ExtensionBinding {key}"),
            Self::Projection(key) => write!(formatter, "ExtensionProjection {key}"),
            Self::Run(key) => write!(formatter, "{} {key}", RUNS.kind),
            Self::RunGate(namespace) => write!(formatter, "RunGate of {namespace}"),
            Self::Record(key) => write!(formatter, "{key}"),
        }
    }
}
