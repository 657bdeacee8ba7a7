//! What the operator knows of the cluster, kept up to date by watches. Everything here is a copy:
//! a restart builds it again.

mod bindings;
mod gates;
mod ledger;
mod pipelines;
mod records;
mod sources;
mod workflows;

use parking_lot::RwLock;

pub(crate) use bindings::{Bindings, Bound};
pub(crate) use gates::Gates;
pub(crate) use ledger::{Ledger, LedgerEntry, RenderStamp};
pub(crate) use pipelines::{PipelineEntry, Pipelines};
pub(crate) use records::{RecordChange, RecordEntry, Records, secrets_of, source_secrets};
pub(crate) use sources::Sources;
pub(crate) use workflows::Workflows;

/// All of it. Locks are held for the length of a look-up, never across an await.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Records, indexed for resolution.
    pub records: RwLock<Records>,
    /// Workflows.
    pub workflows: RwLock<Workflows>,
    /// Projections: the only memory of what was rendered where.
    pub ledger: RwLock<Ledger>,
    /// Run gates.
    pub gates: RwLock<Gates>,
    /// Generated pipelines, as far as needed to see that somebody changed one.
    pub pipelines: RwLock<Pipelines>,
    /// Key names of source Secrets.
    pub sources: RwLock<Sources>,
    /// Which workflow uses what.
    pub bindings: RwLock<Bindings>,
}
