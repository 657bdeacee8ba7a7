//! A client without any logic: it repeats in other namespaces what the operator wrote in its own.

use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::kinds::{everywhere, within};
use super::world::CONCURRENCY;

/// One write.
enum Write {
    Create(Box<DynamicObject>),
    Apply(Value),
    Status(Value),
}

/// What the operator wrote.
pub(crate) struct Recording {
    /// In this order; what is in one list does not depend on each other.
    waves: Vec<Vec<(&'static str, String, String, Write)>>,
}

impl Recording {
    /// Reads what stands in namespaces `from-…` and turns it into writes for `to-…`.
    pub(crate) async fn of(client: &Client, from: &str, to: &str) -> Result<Self> {
        let mut waves = vec![Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for object in list(client, "ExtensionProjection", from).await? {
            let (namespace, name) = place(&object, from, to);
            let base = json!({
                "apiVersion": "registry.fuseml.io/v1alpha1",
                "kind": "ExtensionProjection",
                "metadata": { "name": name, "labels": object.metadata.labels },
            });
            let mut apply = base.clone();
            apply["spec"] = object.data["spec"].clone();
            let mut status = base;
            status["status"] = object.data["status"].clone();
            let source = within(client, "Secret", &object.namespace().unwrap_or_default())
                .get(&name)
                .await?;
            let secret = copy(source, &namespace);
            waves[0].push((
                "ExtensionProjection",
                namespace.clone(),
                name.clone(),
                Write::Apply(apply),
            ));
            waves[1].push((
                "Secret",
                namespace.clone(),
                name.clone(),
                Write::Create(Box::new(secret)),
            ));
            waves[2].push((
                "ExtensionProjection",
                namespace,
                name,
                Write::Status(status),
            ));
        }
        for object in list(client, "Pipeline", from).await? {
            let (namespace, name) = place(&object, from, to);
            let pipeline = copy(object, &namespace);
            waves[3].push((
                "Pipeline",
                namespace,
                name,
                Write::Create(Box::new(pipeline)),
            ));
        }
        for object in list(client, "Workflow", from).await? {
            let (namespace, name) = place(&object, from, to);
            let status = json!({
                "apiVersion": "registry.fuseml.io/v1alpha1",
                "kind": "Workflow",
                "status": object.data["status"],
            });
            waves[4].push(("Workflow", namespace, name, Write::Status(status)));
        }
        Ok(Self { waves })
    }

    /// Number of writes.
    pub(crate) fn len(&self) -> usize {
        self.waves.iter().map(Vec::len).sum()
    }

    /// Writes it all; the seconds that took.
    pub(crate) async fn replay(self, client: &Client) -> Result<f64> {
        let begun = Instant::now();
        for wave in self.waves {
            stream::iter(wave)
                .map(|(kind, namespace, name, write)| async move {
                    let api = within(client, kind, &namespace);
                    perform(&api, &name, write)
                        .await
                        .with_context(|| format!("failed to write {kind} {namespace}/{name}"))
                })
                .buffer_unordered(CONCURRENCY)
                .try_collect::<()>()
                .await?;
        }
        Ok(begun.elapsed().as_secs_f64())
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
    let objects = everywhere(client, kind)
        .list(&ListParams::default())
        .await?;
    let ours = |object: &DynamicObject| {
        object
            .namespace()
            .is_some_and(|name| name.starts_with(prefix))
    };
    Ok(objects.items.into_iter().filter(ours).collect())
}

fn place(object: &DynamicObject, from: &str, to: &str) -> (String, String) {
    (
        object.namespace().unwrap_or_default().replacen(from, to, 1),
        object.name_any(),
    )
}

/// A new object like this one. Without owners: those of the copy's namespace are others, and the garbage
/// collector would take it.
fn copy(mut object: DynamicObject, namespace: &str) -> DynamicObject {
    let known = std::mem::take(&mut object.metadata);
    object.metadata.name = known.name;
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.labels = known.labels;
    object
}
