//! A cluster, read as the caller.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_core::diagnostic::Failure;
use extension_registry_query::cluster::Forbidden;
use extension_registry_query::{Inventory, ReadLog, Scope, Settings};
use futures::future::BoxFuture;
use http::StatusCode;
use kube::Client;
use parking_lot::Mutex;

use crate::access::Caller;
use crate::reply::Problem;
use crate::snapshot::Snapshot;

/// Time for which objects are reused, so that the pages of one visit do not list everything each time.
const REUSED: Duration = Duration::from_secs(5);

/// Maximum number of callers whose objects are kept.
const CALLERS: usize = 8;

/// Creates the client of a caller.
type Connect = dyn Fn(&Caller) -> BoxFuture<'static, Result<Client, Failure>> + Send + Sync;

/// When objects were read, and the objects.
type Cached = (Instant, Arc<Snapshot>);

/// A cluster.
pub struct ClusterSource {
    name: String,
    namespace: String,
    settings: Settings,
    connect: Box<Connect>,
    cached: Mutex<HashMap<[u8; 32], Cached>>,
}

impl ClusterSource {
    /// Creates a source. `name` describes the cluster for people, `namespace` is read if the caller may not list all, and
    /// `connect` creates the client of a caller.
    pub fn new(
        name: String,
        namespace: String,
        settings: Settings,
        connect: impl Fn(&Caller) -> BoxFuture<'static, Result<Client, Failure>> + Send + Sync + 'static,
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

    pub(super) async fn snapshot(&self, caller: &Caller) -> Result<Arc<Snapshot>, Problem> {
        let key = caller.key();
        if let Some((read, snapshot)) = self.cached.lock().get(&key)
            && read.elapsed() < REUSED
        {
            return Ok(Arc::clone(snapshot));
        }
        let client = (self.connect)(caller).await?;
        let mut log = ReadLog::default();
        let namespace = match caller {
            Caller::Token {
                namespace: Some(namespace),
                ..
            } => namespace,
            _ => &self.namespace,
        };
        let inventory = Inventory::from_cluster(
            &client,
            namespace,
            self.settings.clone(),
            Scope::ALL_NAMESPACES,
            &mut log,
        );
        let inventory = inventory.await.map_err(refused)?;
        let snapshot = Arc::new(Snapshot::new(inventory, log));
        let mut cached = self.cached.lock();
        cached.retain(|_, (read, _)| read.elapsed() < REUSED);
        if cached.len() < CALLERS {
            cached.insert(key, (Instant::now(), Arc::clone(&snapshot)));
        }
        Ok(snapshot)
    }
}

/// Converts the error of a request to the API server; its status is that of the page.
fn refused(failure: Failure) -> Problem {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&failure);
    let mut code = None;
    while let Some(error) = cause {
        if error.is::<Forbidden>() {
            code = Some(403);
        }
        if let Some(kube::Error::Api(status)) = error.downcast_ref() {
            code = Some(status.code);
        }
        cause = error.source();
    }
    match code {
        Some(401) => {
            let failure = Failure::new("the API server rejected your token")
                .hint("sign in with another token at /sign-in")
                .hint("if the token is of an identity provider, the API server may not trust it: paste one of `kubectl create token SERVICEACCOUNT`");
            Problem::new(StatusCode::UNAUTHORIZED, failure)
        }
        Some(403) => {
            let failure = failure.hint("enter a namespace that you may read at /sign-in");
            Problem::new(StatusCode::FORBIDDEN, failure)
        }
        _ => Problem::from(failure),
    }
}
