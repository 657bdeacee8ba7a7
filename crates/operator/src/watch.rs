//! Watches: they fill the stores and say what changed. One file a kind.

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
use extension_registry_binding::ObjectKey;
use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

use pipelines::Pipelines;
use projections::Projections;
use records::Records;
use run_gates::RunGates;
use runs::Runs;
pub(crate) use sources::SourceWatches;
use workflows::Workflows;

/// Objects of a first list that come in one page: small enough to be gone again before the next.
const PAGE: u32 = 250;

/// What a watch does with its objects.
trait Sink: Clone + Send + 'static {
    /// Name of the kind, for the log.
    const KIND: &'static str;

    /// Type of the objects.
    type Object;

    /// Where they are: in one namespace, or in all.
    fn api(client: &Client, namespace: Option<&str>) -> Api<Self::Object>;

    /// Whether they are cluster-wide.
    fn is_cluster_wide(&self) -> bool {
        false
    }

    /// Namespace of an object.
    fn namespace(key: &Self::Key) -> Option<&str>;

    /// What tells one from the other.
    type Key: Clone + Eq + Hash + Send;

    /// The key of an object.
    fn key(object: &Self::Object) -> Self::Key;

    /// Keys of all that are known.
    fn known(&self) -> Vec<Self::Key>;

    /// An object is there, new or changed.
    fn apply(&self, key: Self::Key, object: Self::Object);

    /// An object is gone.
    fn remove(&self, key: &Self::Key);
}

/// The key of an object in a namespace.
fn object_key(object: &impl ResourceExt) -> ObjectKey {
    ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// The objects of a kind in one namespace, or in all.
fn api_of<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Starts the watches of all kinds and waits until each has filled its store once.
pub(crate) async fn start(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let sources = SourceWatches::new(context, stop);
    let any = || watcher::Config::default().any_semantic();
    let ours = any().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    let mut watches = Watches {
        context,
        tasks,
        stop,
        waits: Vec::new(),
    };
    watches.add(any(), Records::<ClusterExtension>::new(context, &sources));
    watches.add(any(), Records::<Extension>::new(context, &sources));
    watches.add(any(), Workflows::new(context));
    watches.add(any(), Projections::new(context));
    watches.add(any(), RunGates::new(context));
    watches.add(ours, Pipelines::new(context));
    for wait in watches.waits {
        tokio::select! {
            _ = wait => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Starts the watch of runs. Nothing waits for it, and only the replica that works needs it.
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
        Runs::new(context),
    );
}

/// The watches, as they are started.
struct Watches<'a> {
    context: &'a Arc<Context>,
    tasks: &'a mut JoinSet<()>,
    stop: &'a CancellationToken,
    waits: Vec<oneshot::Receiver<()>>,
}

impl Watches<'_> {
    /// Watches a kind: everywhere, or in each namespace that the operator is limited to.
    fn add<S>(&mut self, config: watcher::Config, sink: S)
    where
        S: Sink,
        S::Object: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let client = &self.context.client;
        let namespaces = &self.context.settings.namespaces;
        if namespaces.is_empty() || sink.is_cluster_wide() {
            let api = S::api(client, None);
            self.waits
                .push(spawn(api, None, config, sink, self.tasks, self.stop));
            return;
        }
        for namespace in namespaces {
            let api = S::api(client, Some(namespace));
            let namespace = Some(Arc::clone(namespace));
            let (config, sink) = (config.clone(), sink.clone());
            self.waits
                .push(spawn(api, namespace, config, sink, self.tasks, self.stop));
        }
    }
}

/// Runs one watch. The receiver hears when the first list is complete, or when the kind turns out
/// not to exist (Tekton may be installed later).
fn spawn<S>(
    api: Api<S::Object>,
    namespace: Option<Arc<str>>,
    config: watcher::Config,
    sink: S,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()>
where
    S: Sink,
    S::Object: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let stop = stop.clone();
    tasks.spawn(async move {
        let mut sender = Some(sender);
        let stream = watcher(api, config.page_size(PAGE))
            .default_backoff()
            .take_until(stop.cancelled_owned());
        pin_mut!(stream);
        // What a fresh list does not name went while the watch was interrupted.
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
                        sink.apply(key, object);
                    }
                    watcher::Event::Delete(object) => sink.remove(&S::key(&object)),
                    watcher::Event::InitDone => {
                        let listed = listed.take().unwrap_or_default();
                        let gone = |key: &&S::Key| {
                            (namespace.is_none() || S::namespace(key) == namespace.as_deref())
                                && !listed.contains(*key)
                        };
                        for key in sink.known().iter().filter(gone) {
                            sink.remove(key);
                        }
                        sender.take().map(|sender| sender.send(()));
                    }
                },
                Ok(None) => return,
                Err(error) => {
                    if is_not_found(&error) {
                        sender.take().map(|sender| sender.send(()));
                        tracing::debug!(%error, kind = S::KIND, "the cluster does not know this kind");
                    } else {
                        tracing::warn!(%error, kind = S::KIND, "watch interrupted");
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
