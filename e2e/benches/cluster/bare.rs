//! A client without logic that repeats the writes of the operator in other namespaces.

use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::kinds::{all_namespaces, namespaced};
use super::objects::CONCURRENCY;

/// A write request.
enum Write {
    Create(Box<DynamicObject>),
    Apply(Value),
    Status(Value),
}

/// The writes of the operator.
pub(crate) struct Recording {
    /// Lists of independent writes, in the order of the lists.
    batches: Vec<Vec<(&'static str, String, String, Write)>>,
}

impl Recording {
    /// Reads the objects in namespaces `from-…` and converts them to writes for `to-…`.
    pub(crate) async fn read(client: &Client, from: &str, to: &str) -> Result<Self> {
        let mut batches: Vec<Vec<_>> = (0..6).map(|_| Vec::new()).collect();
        for object in list(client, "ExtensionProjection", from).await? {
            let (namespace, name) = target(&object, from, to);
            let base = json!({
                "apiVersion": "registry.fuseml.io/v1alpha1",
                "kind": "ExtensionProjection",
                "metadata": { "name": name, "labels": object.metadata.labels },
            });
            let mut apply = base.clone();
            apply["spec"] = object.data["spec"].clone();
            let mut status = base;
            status["status"] = object.data["status"].clone();
            batches[0].push((
                "ExtensionProjection",
                namespace.clone(),
                name.clone(),
                Write::Apply(apply),
            ));
            // A projection of a binding has two Secrets, and its status is that of the binding.
            let is_of_binding = object.data["spec"]["binding"].is_string();
            let second = is_of_binding.then(|| format!("{name}.env"));
            for secret in [name.clone()].into_iter().chain(second) {
                let source = namespaced(client, "Secret", &object.namespace().unwrap_or_default())
                    .get(&secret)
                    .await?;
                let copied = Write::Create(Box::new(copy(source, &namespace)));
                batches[1].push(("Secret", namespace.clone(), secret, copied));
            }
            if !is_of_binding {
                batches[2].push((
                    "ExtensionProjection",
                    namespace,
                    name,
                    Write::Status(status),
                ));
            }
        }
        for object in list(client, "Pipeline", from).await? {
            let (namespace, name) = target(&object, from, to);
            let pipeline = copy(object, &namespace);
            batches[3].push((
                "Pipeline",
                namespace,
                name,
                Write::Create(Box::new(pipeline)),
            ));
        }
        for object in list(client, "Workflow", from).await? {
            let (namespace, name) = target(&object, from, to);
            let status = json!({
                "apiVersion": "registry.fuseml.io/v1alpha1",
                "kind": "Workflow",
                "status": object.data["status"],
            });
            batches[4].push(("Workflow", namespace, name, Write::Status(status)));
        }
        for object in list(client, "ExtensionBinding", from).await? {
            let (namespace, name) = target(&object, from, to);
            let status = json!({
                "apiVersion": "registry.fuseml.io/v1alpha1",
                "kind": "ExtensionBinding",
                "status": object.data["status"],
            });
            batches[5].push(("ExtensionBinding", namespace, name, Write::Status(status)));
        }
        Ok(Self { batches })
    }

    /// Returns the number of writes.
    pub(crate) fn len(&self) -> usize {
        self.batches.iter().map(Vec::len).sum()
    }

    /// Performs all writes, and returns the duration in seconds.
    pub(crate) async fn replay(self, client: &Client) -> Result<f64> {
        let start = Instant::now();
        for batch in self.batches {
            stream::iter(batch)
                .map(|(kind, namespace, name, write)| async move {
                    let api = namespaced(client, kind, &namespace);
                    perform(&api, &name, write)
                        .await
                        .with_context(|| format!("failed to write {kind} {namespace}/{name}"))
                })
                .buffer_unordered(CONCURRENCY)
                .try_collect::<()>()
                .await?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

async fn perform(api: &Api<DynamicObject>, name: &str, write: Write) -> Result<()> {
    let parameters = PatchParams::apply("benchmark").force();
    match write {
        Write::Create(object) => api.create(&PostParams::default(), &object).await?,
        Write::Apply(value) => api.patch(name, &parameters, &Patch::Apply(value)).await?,
        Write::Status(value) => {
            api.patch_status(name, &parameters, &Patch::Apply(value))
                .await?
        }
    };
    Ok(())
}

async fn list(client: &Client, kind: &str, prefix: &str) -> Result<Vec<DynamicObject>> {
    let objects = all_namespaces(client, kind)
        .list(&ListParams::default())
        .await?;
    let in_namespaces = |object: &DynamicObject| {
        object
            .namespace()
            .is_some_and(|name| name.starts_with(prefix))
    };
    Ok(objects.items.into_iter().filter(in_namespaces).collect())
}

fn target(object: &DynamicObject, from: &str, to: &str) -> (String, String) {
    (
        object.namespace().unwrap_or_default().replacen(from, to, 1),
        object.name_any(),
    )
}

/// Returns a copy of the object for another namespace. Omits owners, which do not exist in that namespace, so
/// that the garbage collector keeps the copy.
fn copy(mut object: DynamicObject, namespace: &str) -> DynamicObject {
    let metadata = std::mem::take(&mut object.metadata);
    object.metadata.name = metadata.name;
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.labels = metadata.labels;
    object
}
