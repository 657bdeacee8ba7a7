//! Where objects are read from.

mod cluster;
mod files;

use std::sync::Arc;

pub use cluster::ClusterSource;
pub use files::FileSource;

use crate::access::Caller;
use crate::reply::Problem;
use crate::snapshot::Snapshot;

/// Where objects are read from.
pub enum Source {
    /// Files; no cluster is contacted.
    Files(FileSource),
    /// A cluster, which decides what the caller may read.
    Cluster(ClusterSource),
}

impl Source {
    /// Returns the current objects, as the caller may read them.
    pub(crate) async fn snapshot(&self, caller: &Caller) -> Result<Arc<Snapshot>, Problem> {
        match self {
            Self::Files(files) => Ok(files.snapshot().await?),
            Self::Cluster(cluster) => cluster.snapshot(caller).await,
        }
    }

    /// Describes the source for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Files(files) => files.describe(),
            Self::Cluster(cluster) => cluster.describe(),
        }
    }
}
