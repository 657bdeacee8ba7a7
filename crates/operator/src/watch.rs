//! Watches: they fill the stores and say what changed. One file a kind.

mod pipelines;
mod projections;
mod records;
mod sources;
mod workflows;

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, pin_mut};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::task::ObjectKey;

pub(crate) use sources::SourceWatches;

/// Objects of a first list that come in one page: small enough to be gone again before the next.
const PAGE: u32 = 250;

/// What a watch does with its objects.
trait Sink: Send + 'static {
    /// Name of the kind, for the log.
    const KIND: &'static str;

    /// Type of the objects.
    type Object;

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

/// Starts the watches of all kinds and waits until each has filled its store once.
pub(crate) async fn start(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let sources = SourceWatches::new(context, stop);
    let waits = [
        records::cluster(context, &sources, tasks, stop),
        records::namespaced(context, &sources, tasks, stop),
        workflows::all(context, tasks, stop),
        projections::all(context, tasks, stop),
        pipelines::all(context, tasks, stop),
    ];
    for wait in waits {
        tokio::select! {
            _ = wait => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Runs one watch. The receiver hears when the first list is complete, or when the kind turns out
/// not to exist (Tekton may be installed later).
fn spawn<S>(
    api: Api<S::Object>,
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
                        for key in sink.known().iter().filter(|key| !listed.contains(key)) {
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
