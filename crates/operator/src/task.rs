//! Keys of objects, and the work there is on them.

use std::fmt;
use std::sync::Arc;

use extension_registry_core::record::RecordKey;

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// A key from its parts.
    pub(crate) fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// One piece of work: bring this object to where it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Resolve a workflow, write its pipeline, say so in its status.
    Workflow(ObjectKey),
    /// Render, refresh or withdraw a projection.
    Projection(ObjectKey),
    /// Make a run ready that has just come.
    Run(ObjectKey),
    /// Check the references of a record and count its consumers.
    Record(RecordKey),
}

impl Task {
    /// Label in metrics and logs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Workflow(_) => "workflow",
            Self::Projection(_) => "projection",
            Self::Run(_) => "run",
            Self::Record(_) => "record",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow(key) => write!(formatter, "Workflow {key}"),
            Self::Projection(key) => write!(formatter, "ExtensionProjection {key}"),
            Self::Run(key) => write!(formatter, "PipelineRun {key}"),
            Self::Record(key) => write!(formatter, "{key}"),
        }
    }
}
