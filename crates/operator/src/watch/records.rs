//! Watch of records of both kinds.

use std::marker::PhantomData;
use std::sync::Arc;

use extension_registry_api::convert::FieldError;
use extension_registry_api::kinds::strip;
use extension_registry_api::{ClusterExtension, Extension, RecordObject};
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::source::version_number;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource, ResourceExt};

use crate::context::Context;
use crate::impact;
use crate::store::{RecordChange, RecordEntry};
use crate::watch::{EventHandler, SourceWatcher, scoped_api};

/// Differences between the two kinds of record.
pub(super) trait WatchedRecord: RecordObject {
    /// Whether the kind is namespaced.
    const NAMESPACED: bool;

    /// Returns the API of the objects in one namespace, or in all.
    fn api(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<Self>>;
}

impl WatchedRecord for ClusterExtension {
    const NAMESPACED: bool = false;

    fn api(client: &Client, _: Option<&str>) -> Api<DeserializeGuard<Self>> {
        Api::all(client.clone())
    }
}

impl WatchedRecord for Extension {
    const NAMESPACED: bool = true;

    fn api(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<Self>> {
        scoped_api(client, namespace)
    }
}

pub(super) struct RecordHandler<K> {
    context: Arc<Context>,
    sources: Arc<SourceWatcher>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for RecordHandler<K> {
    fn clone(&self) -> Self {
        Self::new(&self.context, &self.sources)
    }
}

impl<K: WatchedRecord> EventHandler for RecordHandler<K> {
    const KIND: &'static str = "record";
    type Object = DeserializeGuard<K>;

    type Key = RecordKey;

    fn api(client: &Client, namespace: Option<&str>) -> Api<Self::Object> {
        K::api(client, namespace)
    }

    fn is_cluster_scoped(&self) -> bool {
        !K::NAMESPACED
    }

    fn namespace(key: &RecordKey) -> Option<&str> {
        key.namespace.as_deref()
    }

    fn key(object: &Self::Object) -> RecordKey {
        RecordKey {
            namespace: object.namespace().map(Into::into),
            name: object.name_any().into(),
        }
    }

    fn cached_keys(&self) -> Vec<RecordKey> {
        let of_kind = |key: &&RecordKey| key.namespace.is_some() == K::NAMESPACED;
        let records = self.context.stores.records.read();
        records.keys().filter(of_kind).cloned().collect()
    }

    fn apply(&self, key: RecordKey, object: Self::Object) {
        // A record that is being deleted must not be used, however long a finalizer keeps it.
        if object.meta().deletion_timestamp.is_some() {
            return self.remove(&key);
        }
        let namespace = &self.context.settings.records_namespace;
        let mut records = self.context.stores.records.write();
        let change = match object.0 {
            Ok(mut object) => {
                strip(object.meta_mut());
                records.upsert(&object, namespace)
            }
            Err(invalid) => {
                let metadata = invalid.metadata;
                let entry = RecordEntry {
                    uid: metadata.uid.unwrap_or_default().into(),
                    generation: metadata.generation.unwrap_or_default(),
                    version: version_number(metadata.resource_version.as_deref()),
                    problems: [schema_problem()].into(),
                    status: Arc::default(),
                    services: "".into(),
                };
                records.upsert_invalid(&key, entry, namespace)
            }
        };
        drop(records);
        self.changed(&key, &change);
    }

    fn remove(&self, key: &RecordKey) {
        let namespace = &self.context.settings.records_namespace;
        let change = self.context.stores.records.write().remove(key, namespace);
        self.changed(key, &change);
    }
}

impl<K> RecordHandler<K> {
    pub(super) fn new(context: &Arc<Context>, sources: &Arc<SourceWatcher>) -> Self {
        Self {
            context: Arc::clone(context),
            sources: Arc::clone(sources),
            kind: PhantomData,
        }
    }

    fn changed(&self, key: &RecordKey, change: &RecordChange) {
        if change.spec_changed {
            self.sources.follow(change);
        }
        impact::record_changed(&self.context, key, change);
    }
}

/// Returns the problem of an object that does not match its schema. The message does not include the
/// deserialization error, because that may quote values.
fn schema_problem() -> FieldError {
    FieldError {
        field: "spec".to_owned(),
        refusal: Refusal::new(
            Reason::Invalid,
            "the object does not match the schema of its CustomResourceDefinition",
            "apply it again to see the invalid field",
        ),
    }
}
