//! Caches of cluster objects, filled by watches and rebuilt after a restart.

mod consumers;
mod pipelines;
mod projections;
mod records;
mod requirers;
mod run_gates;
mod sources;

use parking_lot::RwLock;

pub(crate) use consumers::{BoundRequirement, Consumer, ConsumerStore};
pub(crate) use pipelines::{PipelineEntry, PipelineStore};
pub(crate) use projections::{ProjectionEntry, ProjectionStore, RenderInputs};
pub(crate) use records::{RecordChange, RecordEntry, RecordStore};
pub(crate) use requirers::{BindingStore, Requirer, RequirerStore, WorkflowStore};
pub(crate) use run_gates::RunGateStore;
pub(crate) use sources::SourceStore;

/// All caches. Locks are held for the duration of a lookup, never across an await.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    /// Records, indexed for resolution.
    pub records: RwLock<RecordStore>,
    pub workflows: RwLock<WorkflowStore>,
    pub bindings: RwLock<BindingStore>,
    /// Projections, the only information about rendered Secrets.
    pub projections: RwLock<ProjectionStore>,
    /// Run gates.
    pub run_gates: RwLock<RunGateStore>,
    /// Metadata of generated pipelines.
    pub pipelines: RwLock<PipelineStore>,
    /// Key names of source Secrets.
    pub sources: RwLock<SourceStore>,
    /// Projections and records that workflows and bindings use.
    pub consumers: RwLock<ConsumerStore>,
}
