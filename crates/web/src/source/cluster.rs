//! A cluster, read as the caller.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_core::diagnostic::Failure;
use extension_registry_query::{Inventory, ReadLog, Scope, Settings};
use kube::Client;
use parking_lot::Mutex;

use crate::access::Caller;
use crate::snapshot::Snapshot;

/// Time for which objects are reused, so that the pages of one visit do not list everything each time.
const REUSED: Duration = Duration::from_secs(5);

/// Maximum number of callers whose objects are kept.
const CALLERS: usize = 8;

/// Creates the client of a caller.
type Connect = dyn Fn(&Caller) -> Result<Client, Failure> + Send + Sync;

/// A cluster.
pub struct ClusterSource {
    name: String,
    namespace: String,
    settings: Settings,
    connect: Box<Connect>,
    cached: Mutex<HashMap<[u8; 32], (Instant, Arc<Snapshot>)>>,
}

impl ClusterSource {
    /// Creates a source. `name` describes the cluster for people, `namespace` is read if the caller may not list all, and
    /// `connect` creates the client of a caller.
    pub fn new(
        name: String,
        namespace: String,
        settings: Settings,
        connect: impl Fn(&Caller) -> Result<Client, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            namespace,
            settings,
            connect: Box::new(connect),
            cached: Mutex::default(),
        }
    }

    pub(super) fn describe(&self) -> String {
        self.name.clone()
    }

    pub(super) async fn snapshot(&self, caller: &Caller) -> Result<Arc<Snapshot>, Failure> {
        let key = caller.key();
        if let Some((read, snapshot)) = self.cached.lock().get(&key)
            && read.elapsed() < REUSED
        {
            return Ok(Arc::clone(snapshot));
        }
        let client = (self.connect)(caller)?;
        let mut log = ReadLog::default();
        let inventory = Inventory::from_cluster(
            &client,
            &self.namespace,
            self.settings.clone(),
            Scope::ALL_NAMESPACES,
            &mut log,
        );
        let snapshot = Arc::new(Snapshot::new(inventory.await?, log));
        let mut cached = self.cached.lock();
        cached.retain(|_, (read, _)| read.elapsed() < REUSED);
        if cached.len() < CALLERS {
            cached.insert(key, (Instant::now(), Arc::clone(&snapshot)));
        }
        Ok(snapshot)
    }
}
