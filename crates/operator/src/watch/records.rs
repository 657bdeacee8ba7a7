//! Watch of records of both kinds.

use std::marker::PhantomData;
use std::sync::Arc;

use extension_registry_api::RecordObject;
use extension_registry_api::convert::FieldError;
use extension_registry_api::kinds::strip;
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::source::version_number;
use kube::Resource;
use kube::core::DeserializeGuard;

use crate::context::Context;
use crate::impact;
use crate::store::{RecordChange, RecordEntry};
use crate::watch::event_loop::EventHandler;
use crate::watch::sources::SourceWatcher;

/// Handles records of one kind.
pub(super) struct RecordHandler<K> {
    sources: Arc<SourceWatcher>,
    kind: PhantomData<fn() -> K>,
}

impl<K> RecordHandler<K> {
    /// Creates a handler that watches the source Secrets of the records.
    pub(super) fn new(sources: &Arc<SourceWatcher>) -> Self {
        Self {
            sources: Arc::clone(sources),
            kind: PhantomData,
        }
    }

    fn changed(&self, context: &Arc<Context>, key: &RecordKey, change: &RecordChange) {
        if change.spec_changed {
            self.sources.follow(change);
        }
        impact::record_changed(context, key, change);
    }
}

impl<K: RecordObject> EventHandler for RecordHandler<K> {
    const KIND: &'static str = "record";
    type Object = DeserializeGuard<K>;
    type Key = RecordKey;

    fn cached_keys(&self, context: &Context) -> Vec<RecordKey> {
        let of_kind = |key: &&RecordKey| key.kind().as_str() == K::kind(&());
        let records = context.stores.records.read();
        records.keys().filter(of_kind).cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: RecordKey, object: Self::Object) {
        // A record that is being deleted must not be used, however long a finalizer keeps it.
        if object.meta().deletion_timestamp.is_some() {
            return self.remove(context, &key);
        }
        let namespace = &context.settings.records_namespace;
        let mut records = context.stores.records.write();
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
        self.changed(context, &key, &change);
    }

    fn remove(&self, context: &Arc<Context>, key: &RecordKey) {
        let namespace = &context.settings.records_namespace;
        let change = context.stores.records.write().remove(key, namespace);
        self.changed(context, key, &change);
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
