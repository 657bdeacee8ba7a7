//! Watches, which fill the stores and enqueue affected objects.

mod bindings;
mod event_loop;
mod managed;
mod records;
mod runs;
mod sources;
mod workflows;

use std::sync::Arc;

use extension_registry_api::{ClusterExtension, Extension, MANAGED_BY, MANAGED_BY_LABEL};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::watcher;
use kube::{Api, Resource};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

use bindings::BindingHandler;
use event_loop::{EventHandler, Scope, Watch};
use managed::{PipelineHandler, ProjectionHandler, RunGateHandler};
use records::RecordHandler;
use runs::RunHandler;
use sources::SourceWatcher;
use workflows::WorkflowHandler;

/// Page size of the initial list, which bounds the memory that a page needs.
const PAGE_SIZE: u32 = 250;

/// Starts the watches of all kinds and waits until the caches are filled.
pub(crate) async fn start(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let sources = SourceWatcher::new(context, stop);
    let any = || watcher::Config::default().any_semantic();
    let managed = any().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    let mut watches = Watches::new(context, tasks, stop);
    watches.add_cluster_wide(any(), RecordHandler::<ClusterExtension>::new(&sources));
    watches.add(any(), RecordHandler::<Extension>::new(&sources));
    watches.add(any(), WorkflowHandler);
    watches.add(any(), BindingHandler);
    watches.add(any(), ProjectionHandler);
    watches.add(any(), RunGateHandler);
    watches.add(managed, PipelineHandler);
    for wait in watches.waits {
        tokio::select! {
            _ = wait => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Starts the watch of runs, which only the leader needs.
pub(crate) fn start_runs(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let any = watcher::Config::default().any_semantic();
    Watches::new(context, tasks, stop).add(any, RunHandler);
}

/// Starts watches and collects their sync signals.
struct Watches<'a> {
    context: &'a Arc<Context>,
    tasks: &'a mut JoinSet<()>,
    stop: &'a CancellationToken,
    waits: Vec<oneshot::Receiver<()>>,
}

impl<'a> Watches<'a> {
    fn new(
        context: &'a Arc<Context>,
        tasks: &'a mut JoinSet<()>,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            context,
            tasks,
            stop,
            waits: Vec::new(),
        }
    }

    /// Watches a namespaced kind in all managed namespaces.
    fn add<H>(&mut self, config: watcher::Config, handler: H)
    where
        H: EventHandler,
        H::Object: Resource<Scope = NamespaceResourceScope>,
    {
        let namespaces = &self.context.settings.namespaces;
        if namespaces.is_empty() {
            return self.add_cluster_wide(config, handler);
        }
        let handler = Arc::new(handler);
        for namespace in namespaces {
            let api = Api::namespaced(self.context.client.clone(), namespace);
            self.spawn(&handler, api, config.clone(), Some(Arc::clone(namespace)));
        }
    }

    /// Watches all objects of a kind.
    fn add_cluster_wide<H: EventHandler>(&mut self, config: watcher::Config, handler: H) {
        let api = Api::all(self.context.client.clone());
        self.spawn(&Arc::new(handler), api, config, None);
    }

    fn spawn<H: EventHandler>(
        &mut self,
        handler: &Arc<H>,
        api: Api<H::Object>,
        config: watcher::Config,
        namespace: Option<Arc<str>>,
    ) {
        let (synced, wait) = oneshot::channel();
        let watch = Watch {
            handler: Arc::clone(handler),
            api,
            config: config.page_size(PAGE_SIZE),
            scope: Scope {
                namespace,
                name: None,
            },
            synced: Some(synced),
        };
        let context = Arc::clone(self.context);
        self.tasks
            .spawn(event_loop::run(context, watch, self.stop.clone()));
        self.waits.push(wait);
    }
}
