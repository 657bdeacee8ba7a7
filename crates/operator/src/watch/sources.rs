//! Watches of source Secrets, metadata only: one watch for the records namespace, and one watch per Secret,
//! by name, in projects, so that a project needs to grant access only to single Secrets.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_core::record::Record;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::{places, version_number};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::store::RecordChange;
use crate::watch::event_loop::{self, EventHandler, Scope, Watch};

/// The running watches of source Secrets.
pub(super) struct SourceWatcher {
    context: Arc<Context>,
    stop: CancellationToken,
    single: Mutex<HashMap<ObjectKey, CancellationToken>>,
}

impl SourceWatcher {
    /// Starts the watch of the records namespace.
    pub(super) fn new(context: &Arc<Context>, stop: &CancellationToken) -> Arc<Self> {
        let namespace = &context.settings.records_namespace;
        watch(context, namespace, None, stop.child_token());
        Arc::new(Self {
            context: Arc::clone(context),
            stop: stop.clone(),
            single: Mutex::default(),
        })
    }

    /// Starts and stops watches according to a changed record.
    pub(super) fn follow(&self, change: &RecordChange) {
        let records_namespace = &self.context.settings.records_namespace;
        let named = |record: &Option<Arc<Record>>| {
            record
                .iter()
                .flat_map(|record| places(record, records_namespace))
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
                let ObjectKey { namespace, name } = &secret;
                watch(&self.context, namespace, Some(name), stop.clone());
                stop
            });
        }
    }
}

/// Handles source Secrets.
struct SourceHandler {
    /// Namespace of the Secrets, for log messages.
    namespace: Arc<str>,
}

impl EventHandler for SourceHandler {
    const KIND: &'static str = "Secret";
    type Object = PartialObjectMeta<Secret>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        context.stores.sources.read().keys().cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let version = version_number(object.metadata.resource_version.as_deref());
        impact::source_changed(context, &key, Some(version));
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        impact::source_changed(context, key, None);
    }

    fn log_failure(&self, error: &watcher::Error) {
        tracing::debug!(%error, namespace = %self.namespace, "watch of source Secrets failed, retrying");
    }
}

/// Watches the Secrets of a namespace, or one of them.
fn watch(
    context: &Arc<Context>,
    namespace: &Arc<str>,
    name: Option<&Arc<str>>,
    stop: CancellationToken,
) {
    let mut config = watcher::Config::default().any_semantic();
    if let Some(name) = name {
        config = config.fields(&format!("metadata.name={name}"));
    }
    let watch = Watch {
        api: Api::namespaced(context.client.clone(), namespace),
        config,
        scope: Scope {
            namespace: Some(Arc::clone(namespace)),
            name: name.cloned(),
        },
        handler: Arc::new(SourceHandler {
            namespace: Arc::clone(namespace),
        }),
        synced: None,
    };
    tokio::spawn(event_loop::run(Arc::clone(context), watch, stop));
}
