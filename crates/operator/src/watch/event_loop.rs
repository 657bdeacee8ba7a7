//! Runs a watch and passes its events to a handler.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use extension_registry_core::record::RecordKey;
use extension_registry_render::ObjectKey;
use futures::{StreamExt, TryStreamExt, pin_mut};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Key of a watched object.
pub(super) trait WatchKey: Clone + Eq + Hash + Send + Sync {
    /// Returns the key of an object.
    fn of(object: &impl ResourceExt) -> Self;

    /// Returns the namespace; `None` for a cluster-scoped object.
    fn namespace(&self) -> Option<&str>;

    /// Returns the name.
    fn name(&self) -> &str;
}

impl WatchKey for ObjectKey {
    fn of(object: &impl ResourceExt) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }

    fn namespace(&self) -> Option<&str> {
        Some(&self.namespace)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl WatchKey for RecordKey {
    fn of(object: &impl ResourceExt) -> Self {
        Self {
            namespace: object.namespace().map(Into::into),
            name: object.name_any().into(),
        }
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Handles the events of a watch.
pub(super) trait EventHandler: Send + Sync + 'static {
    /// Kind of the objects, for log messages.
    const KIND: &'static str;

    /// Type of the objects.
    type Object: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static;

    /// Type of the keys.
    type Key: WatchKey;

    /// Returns the keys of all cached objects.
    fn cached_keys(&self, context: &Context) -> Vec<Self::Key>;

    /// Handles an added or modified object.
    fn apply(&self, context: &Arc<Context>, key: Self::Key, object: Self::Object);

    /// Handles a deleted object.
    fn remove(&self, context: &Arc<Context>, key: &Self::Key);

    /// Logs a failure of the watch, which is retried.
    fn log_failure(&self, error: &watcher::Error) {
        if is_not_found(error) {
            tracing::debug!(%error, kind = Self::KIND, "kind not found in the cluster, retrying");
        } else {
            tracing::warn!(%error, kind = Self::KIND, "watch failed, retrying");
        }
    }
}

/// The objects that a watch covers: all, those of a namespace, or one.
#[derive(Clone, Default)]
pub(super) struct Scope {
    pub(super) namespace: Option<Arc<str>>,
    pub(super) name: Option<Arc<str>>,
}

impl Scope {
    fn contains(&self, key: &impl WatchKey) -> bool {
        let namespace = self.namespace.as_deref();
        let name = self.name.as_deref();
        namespace.is_none_or(|namespace| key.namespace() == Some(namespace))
            && name.is_none_or(|name| key.name() == name)
    }
}

/// A watch to run.
pub(super) struct Watch<H: EventHandler> {
    pub(super) handler: Arc<H>,
    pub(super) api: Api<H::Object>,
    pub(super) config: watcher::Config,
    pub(super) scope: Scope,
    /// Notified once the initial list is complete, or the kind does not exist, because the engine may be
    /// installed later.
    pub(super) synced: Option<oneshot::Sender<()>>,
}

/// Runs a watch until the token is cancelled.
pub(super) async fn run<H: EventHandler>(
    context: Arc<Context>,
    watch: Watch<H>,
    stop: CancellationToken,
) {
    let Watch {
        handler,
        api,
        config,
        scope,
        mut synced,
    } = watch;
    let stream = watcher(api, config)
        .default_backoff()
        .take_until(stop.cancelled_owned());
    pin_mut!(stream);
    // Cached objects that are missing in a new list were deleted while the watch was interrupted.
    let mut listed: Option<HashSet<H::Key>> = None;
    loop {
        match stream.try_next().await {
            Ok(Some(watcher::Event::Init)) => listed = Some(HashSet::new()),
            Ok(Some(watcher::Event::InitApply(object) | watcher::Event::Apply(object))) => {
                let key = H::Key::of(&object);
                if let Some(listed) = &mut listed {
                    listed.insert(key.clone());
                }
                handler.apply(&context, key, object);
            }
            Ok(Some(watcher::Event::Delete(object))) => {
                handler.remove(&context, &H::Key::of(&object));
            }
            Ok(Some(watcher::Event::InitDone)) => {
                let listed = listed.take().unwrap_or_default();
                let deleted = |key: &&H::Key| scope.contains(*key) && !listed.contains(*key);
                for key in handler.cached_keys(&context).iter().filter(deleted) {
                    handler.remove(&context, key);
                }
                synced.take().map(|synced| synced.send(()));
            }
            Ok(None) => return,
            Err(error) => {
                if is_not_found(&error) {
                    synced.take().map(|synced| synced.send(()));
                }
                handler.log_failure(&error);
            }
        }
    }
}

fn is_not_found(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
            extension_registry_runtime::error::code(error) == 404
        }
        _ => false,
    }
}
