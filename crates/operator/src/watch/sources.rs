//! Watches of source Secrets, metadata only: one watch for the records namespace, and one watch per Secret,
//! by name, in projects, so that a project needs to grant access only to single Secrets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::store::RecordChange;

/// The running watches of source Secrets.
pub(crate) struct SourceWatcher {
    context: Arc<Context>,
    stop: CancellationToken,
    single: Mutex<HashMap<ObjectKey, CancellationToken>>,
}

impl SourceWatcher {
    /// Starts the watch of the records namespace.
    pub(crate) fn new(context: &Arc<Context>, stop: &CancellationToken) -> Arc<Self> {
        let namespace = Arc::clone(&context.settings.records_namespace);
        let api = Api::namespaced(context.client.clone(), &namespace);
        run(
            context,
            api,
            watcher::Config::default().any_semantic(),
            Scope {
                namespace,
                name: None,
            },
            stop.child_token(),
        );
        Arc::new(Self {
            context: Arc::clone(context),
            stop: stop.clone(),
            single: Mutex::default(),
        })
    }

    /// Starts and stops watches according to a changed record.
    pub(crate) fn follow(&self, change: &RecordChange) {
        let records_namespace = &self.context.settings.records_namespace;
        let named = |record: &Option<Arc<extension_registry_core::record::Record>>| {
            record
                .iter()
                .flat_map(|record| crate::store::source_secret_keys(record, records_namespace))
                .filter(|secret| secret.namespace != *records_namespace)
                .collect::<Vec<_>>()
        };
        let mut single = self.single.lock();
        for secret in named(&change.before) {
            if !self.context.stores.records.read().is_referenced(&secret) {
                if let Some(stop) = single.remove(&secret) {
                    stop.cancel();
                }
                self.context.stores.sources.write().forget(&secret);
            }
        }
        for secret in named(&change.after) {
            single.entry(secret.clone()).or_insert_with(|| {
                let stop = self.stop.child_token();
                let api = Api::namespaced(self.context.client.clone(), &secret.namespace);
                let config = watcher::Config::default()
                    .any_semantic()
                    .fields(&format!("metadata.name={}", secret.name));
                run(
                    &self.context,
                    api,
                    config,
                    Scope {
                        namespace: Arc::clone(&secret.namespace),
                        name: Some(Arc::clone(&secret.name)),
                    },
                    stop.clone(),
                );
                stop
            });
        }
    }
}

fn run(
    context: &Arc<Context>,
    api: Api<PartialObjectMeta<Secret>>,
    config: watcher::Config,
    scope: Scope,
    stop: CancellationToken,
) {
    let context = Arc::clone(context);
    tokio::spawn(async move {
        let stream = watcher(api, config)
            .default_backoff()
            .take_until(stop.cancelled_owned());
        pin_mut!(stream);
        let mut listed: Option<HashSet<ObjectKey>> = None;
        loop {
            match stream.try_next().await {
                Ok(Some(watcher::Event::Init)) => listed = Some(HashSet::new()),
                Ok(Some(watcher::Event::InitApply(object) | watcher::Event::Apply(object))) => {
                    let key = ObjectKey::new(Arc::clone(&scope.namespace), object.name_any());
                    let version = version_number(object.metadata.resource_version.as_deref());
                    impact::source_changed(&context, &key, Some(version));
                    if let Some(listed) = &mut listed {
                        listed.insert(key);
                    }
                }
                Ok(Some(watcher::Event::Delete(object))) => {
                    let key = ObjectKey::new(Arc::clone(&scope.namespace), object.name_any());
                    impact::source_changed(&context, &key, None);
                }
                Ok(Some(watcher::Event::InitDone)) => {
                    // Cached Secrets that are missing in a new list were deleted while the watch was interrupted.
                    let listed = listed.take().unwrap_or_default();
                    let known: Vec<ObjectKey> =
                        context.stores.sources.read().keys().cloned().collect();
                    for key in known
                        .iter()
                        .filter(|key| scope.contains(key) && !listed.contains(*key))
                    {
                        impact::source_changed(&context, key, None);
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(%error, namespace = %scope.namespace, "watch of source Secrets failed, retrying");
                }
            }
        }
    });
}

/// The Secrets that a watch covers.
struct Scope {
    namespace: Arc<str>,
    /// One Secret, or all in the namespace.
    name: Option<Arc<str>>,
}

impl Scope {
    fn contains(&self, key: &ObjectKey) -> bool {
        key.namespace == self.namespace && self.name.as_ref().is_none_or(|name| *name == key.name)
    }
}
