//! Workflows.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::kinds::strip;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::queue::Urgency;
use crate::task::{ObjectKey, Task};
use crate::watch::{Sink, object_key, spawn};

pub(super) fn all(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<DeserializeGuard<Workflow>>::all(context.client.clone());
    let sink = Workflows {
        context: Arc::clone(context),
    };
    spawn(
        api,
        watcher::Config::default().any_semantic(),
        sink,
        tasks,
        stop,
    )
}

struct Workflows {
    context: Arc<Context>,
}

impl Sink for Workflows {
    const KIND: &'static str = "Workflow";
    type Object = DeserializeGuard<Workflow>;
    type Key = ObjectKey;

    fn key(object: &Self::Object) -> ObjectKey {
        object_key(object)
    }

    fn known(&self) -> Vec<ObjectKey> {
        self.context
            .world
            .workflows
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let world = &self.context.world;
        let generation = |workflow: &Workflow| (workflow.uid(), workflow.metadata.generation);
        let known = world
            .workflows
            .read()
            .get(&key)
            .map(|known| generation(known));
        let mut urgency = Urgency::Direct;
        let news = match object.0 {
            Ok(mut workflow) => {
                strip(workflow.meta_mut());
                impact::remember_bindings(&self.context, &key, &workflow);
                // Nobody asked for anything else: an echo that came before its answer, a label.
                if known == Some(generation(&workflow)) {
                    urgency = Urgency::Dependent;
                }
                world.workflows.write().upsert(&key, workflow)
            }
            Err(_) => world.workflows.write().upsert_broken(&key),
        };
        if news {
            self.context.want(Task::Workflow(key), urgency);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        impact::workflow_gone(&self.context, key);
    }
}
