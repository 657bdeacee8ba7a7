//! Watches, which fill the stores and enqueue affected objects. One file per kind.

mod pipelines;
mod projections;
mod records;
mod run_gates;
mod runs;
mod sources;
mod workflows;

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use extension_registry_api::{ClusterExtension, Extension, MANAGED_BY, MANAGED_BY_LABEL};
use extension_registry_render::ObjectKey;
use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

use pipelines::PipelineHandler;
use projections::ProjectionHandler;
use records::RecordHandler;
use run_gates::RunGateHandler;
use runs::RunHandler;
pub(crate) use sources::SourceWatcher;
use workflows::WorkflowHandler;

/// Page size of the initial list, which bounds the memory that a page needs.
const PAGE_SIZE: u32 = 250;

/// Handles the events of a watch.
trait EventHandler: Clone + Send + 'static {
    /// Kind of the objects, for log messages.
    const KIND: &'static str;

    /// Type of the objects.
    type Object;

    /// Returns the API of the objects in one namespace, or in all.
    fn api(client: &Client, namespace: Option<&str>) -> Api<Self::Object>;

    /// Returns whether the kind is cluster-scoped.
    fn is_cluster_scoped(&self) -> bool {
        false
    }

    /// Returns the namespace of an object.
    fn namespace(key: &Self::Key) -> Option<&str>;

    /// Type of the keys.
    type Key: Clone + Eq + Hash + Send;

    /// Returns the key of an object.
    fn key(object: &Self::Object) -> Self::Key;

    /// Returns the keys of all cached objects.
    fn cached_keys(&self) -> Vec<Self::Key>;

    /// Handles an added or modified object.
    fn apply(&self, key: Self::Key, object: Self::Object);

    /// Handles a deleted object.
    fn remove(&self, key: &Self::Key);
}

/// Returns the key of a namespaced object.
fn object_key(object: &impl ResourceExt) -> ObjectKey {
    ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// Returns the API of a namespaced kind in one namespace, or in all.
fn scoped_api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Starts the watches of all kinds and waits until the caches are filled.
pub(crate) async fn start(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let sources = SourceWatcher::new(context, stop);
    let any = || watcher::Config::default().any_semantic();
    let managed = any().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    let mut watches = Watches {
        context,
        tasks,
        stop,
        waits: Vec::new(),
    };
    watches.add(
        any(),
        RecordHandler::<ClusterExtension>::new(context, &sources),
    );
    watches.add(any(), RecordHandler::<Extension>::new(context, &sources));
    watches.add(any(), WorkflowHandler::new(context));
    watches.add(any(), ProjectionHandler::new(context));
    watches.add(any(), RunGateHandler::new(context));
    watches.add(managed, PipelineHandler::new(context));
    for wait in watches.waits {
        tokio::select! {
            _ = wait => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Starts the watch of runs, which only the leader needs.
pub(crate) fn start_runs(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let mut watches = Watches {
        context,
        tasks,
        stop,
        waits: Vec::new(),
    };
    watches.add(
        watcher::Config::default().any_semantic(),
        RunHandler::new(context),
    );
}

/// Starts watches and collects their sync signals.
struct Watches<'a> {
    context: &'a Arc<Context>,
    tasks: &'a mut JoinSet<()>,
    stop: &'a CancellationToken,
    waits: Vec<oneshot::Receiver<()>>,
}

impl Watches<'_> {
    /// Watches a kind in all managed namespaces.
    fn add<S>(&mut self, config: watcher::Config, handler: S)
    where
        S: EventHandler,
        S::Object: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let client = &self.context.client;
        let namespaces = &self.context.settings.namespaces;
        if namespaces.is_empty() || handler.is_cluster_scoped() {
            let api = S::api(client, None);
            self.waits
                .push(spawn(api, None, config, handler, self.tasks, self.stop));
            return;
        }
        for namespace in namespaces {
            let api = S::api(client, Some(namespace));
            let namespace = Some(Arc::clone(namespace));
            let (config, handler) = (config.clone(), handler.clone());
            self.waits.push(spawn(
                api, namespace, config, handler, self.tasks, self.stop,
            ));
        }
    }
}

/// Runs one watch. The receiver is signalled once the initial list is complete, or the kind does not exist,
/// because Tekton may be installed later.
fn spawn<S>(
    api: Api<S::Object>,
    namespace: Option<Arc<str>>,
    config: watcher::Config,
    handler: S,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()>
where
    S: EventHandler,
    S::Object: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let stop = stop.clone();
    tasks.spawn(async move {
        let mut sender = Some(sender);
        let stream = watcher(api, config.page_size(PAGE_SIZE))
            .default_backoff()
            .take_until(stop.cancelled_owned());
        pin_mut!(stream);
        // Cached objects that are missing in a new list were deleted while the watch was interrupted.
        let mut listed: Option<HashSet<S::Key>> = None;
        loop {
            match stream.try_next().await {
                Ok(Some(event)) => match event {
                    watcher::Event::Init => listed = Some(HashSet::new()),
                    watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                        let key = S::key(&object);
                        if let Some(listed) = &mut listed {
                            listed.insert(key.clone());
                        }
                        handler.apply(key, object);
                    }
                    watcher::Event::Delete(object) => handler.remove(&S::key(&object)),
                    watcher::Event::InitDone => {
                        let listed = listed.take().unwrap_or_default();
                        let deleted = |key: &&S::Key| {
                            (namespace.is_none() || S::namespace(key) == namespace.as_deref())
                                && !listed.contains(*key)
                        };
                        for key in handler.cached_keys().iter().filter(deleted) {
                            handler.remove(key);
                        }
                        sender.take().map(|sender| sender.send(()));
                    }
                },
                Ok(None) => return,
                Err(error) => {
                    if is_not_found(&error) {
                        sender.take().map(|sender| sender.send(()));
                        tracing::debug!(%error, kind = S::KIND, "kind not found in the cluster, retrying");
                    } else {
                        tracing::warn!(%error, kind = S::KIND, "watch failed, retrying");
                    }
                }
            }
        }
    });
    receiver
}

fn is_not_found(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
            crate::error::code(error) == 404
        }
        _ => false,
    }
}
