//! Workflows.

use std::collections::HashSet;
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
use crate::watch::{Sink, spawn};

pub(super) fn all(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<DeserializeGuard<Workflow>>::all(context.client.clone());
    let sink = Workflows {
        context: Arc::clone(context),
        seen: None,
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
    seen: Option<HashSet<ObjectKey>>,
}

impl Sink for Workflows {
    const KIND: &'static str = "Workflow";
    type Object = DeserializeGuard<Workflow>;

    fn begin(&mut self) {
        self.seen = Some(HashSet::new());
    }

    fn apply(&mut self, object: Self::Object) {
        let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
        if let Some(seen) = &mut self.seen {
            seen.insert(key.clone());
        }
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

    fn delete(&mut self, object: Self::Object) {
        impact::workflow_gone(
            &self.context,
            &ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any()),
        );
    }

    fn end(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let gone = self.context.world.workflows.read().keys_not_in(&seen);
        for key in gone {
            impact::workflow_gone(&self.context, &key);
        }
    }
}
