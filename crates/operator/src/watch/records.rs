//! Records of both kinds.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use extension_registry_api::convert::FieldProblem;
use extension_registry_api::kinds::strip;
use extension_registry_api::{ClusterExtension, Extension, RecordObject};
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::{Reason, Refusal};
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::store::{RecordChange, RecordEntry, version_number};
use crate::watch::{Sink, SourceWatches, spawn};

pub(super) fn cluster(
    context: &Arc<Context>,
    sources: &Arc<SourceWatches>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    all::<ClusterExtension>(false, context, sources, tasks, stop)
}

pub(super) fn namespaced(
    context: &Arc<Context>,
    sources: &Arc<SourceWatches>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    all::<Extension>(true, context, sources, tasks, stop)
}

fn all<K: RecordObject>(
    namespaced: bool,
    context: &Arc<Context>,
    sources: &Arc<SourceWatches>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<DeserializeGuard<K>>::all(context.client.clone());
    let sink = Records::<K> {
        context: Arc::clone(context),
        sources: Arc::clone(sources),
        namespaced,
        seen: None,
        kind: PhantomData,
    };
    spawn(
        api,
        watcher::Config::default().any_semantic(),
        sink,
        tasks,
        stop,
    )
}

struct Records<K> {
    context: Arc<Context>,
    sources: Arc<SourceWatches>,
    namespaced: bool,
    seen: Option<HashSet<RecordKey>>,
    kind: PhantomData<fn() -> K>,
}

impl<K: RecordObject> Sink for Records<K> {
    const KIND: &'static str = "record";
    type Object = DeserializeGuard<K>;

    fn begin(&mut self) {
        self.seen = Some(HashSet::new());
    }

    fn apply(&mut self, object: Self::Object) {
        let namespace = &self.context.settings.records_namespace;
        let (key, change) = match object.0 {
            Ok(mut object) => {
                strip(object.meta_mut());
                let key = object.key();
                let change = self
                    .context
                    .world
                    .records
                    .write()
                    .upsert(&object, namespace);
                (key, change)
            }
            Err(invalid) => {
                let metadata = invalid.metadata;
                let key = RecordKey {
                    namespace: metadata.namespace.map(Into::into),
                    name: metadata.name.unwrap_or_default().into(),
                };
                let entry = RecordEntry {
                    uid: metadata.uid.unwrap_or_default().into(),
                    generation: metadata.generation.unwrap_or_default(),
                    version: version_number(metadata.resource_version.as_deref()),
                    problems: [unreadable()].into(),
                    status: Arc::default(),
                    services: "".into(),
                };
                let mut records = self.context.world.records.write();
                let known = records.get(&key).is_some_and(|known| {
                    known.uid == entry.uid
                        && known.generation == entry.generation
                        && !known.problems.is_empty()
                });
                let change = if known {
                    RecordChange::default()
                } else {
                    records.upsert_broken(&key, entry, namespace)
                };
                (key, change)
            }
        };
        if let Some(seen) = &mut self.seen {
            seen.insert(key.clone());
        }
        self.changed(&key, &change);
    }

    fn delete(&mut self, object: Self::Object) {
        let key = RecordKey {
            namespace: object.namespace().map(Into::into),
            name: object.name_any().into(),
        };
        self.remove(&key);
    }

    fn end(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let gone = self
            .context
            .world
            .records
            .read()
            .keys_not_in(&seen, self.namespaced);
        for key in gone {
            self.remove(&key);
        }
    }
}

impl<K> Records<K> {
    fn remove(&self, key: &RecordKey) {
        let namespace = &self.context.settings.records_namespace;
        let change = self.context.world.records.write().remove(key, namespace);
        self.changed(key, &change);
    }

    fn changed(&self, key: &RecordKey, change: &RecordChange) {
        if change.spec {
            self.sources.follow(change);
        }
        impact::record_changed(&self.context, key, change);
    }
}

/// Nothing of what the decoder says is repeated: it quotes values.
fn unreadable() -> FieldProblem {
    FieldProblem {
        field: "spec".to_owned(),
        refusal: Refusal::new(
            Reason::Invalid,
            "the object does not have the shape that its CustomResourceDefinition demands",
            "apply it again, so that the API server names the field",
        ),
    }
}
