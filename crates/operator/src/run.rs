//! Startup, leader election and graceful shutdown of the operator.

use std::sync::Arc;

use anyhow::Context as _;
use extension_registry_core::diagnostic::explained;
use extension_registry_runtime::leader::{self, LeaderElector};
use extension_registry_runtime::queue::Priority;
use extension_registry_runtime::{own_secret, permission};
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::context::Context;
use crate::digest::DigestKey;
use crate::metrics::Metrics;
use crate::sealing_keys::SealingKeys;
use crate::serving::WebhookServer;
use crate::settings::Settings;
use crate::task::Task;
use crate::{http, impact, run_gate, watch, worker};

/// Name of the Secret that holds the digest key.
const DIGEST_SECRET: &str = "extension-registry-digest-key";
const DIGEST_ENTRY: &str = "key";

/// Runs the operator until the token is cancelled, then finishes the reconciles in progress.
///
/// # Errors
/// If the operator cannot start (API server unreachable, namespace missing, port in use) or loses the
/// leader lease.
pub async fn run(args: Args, client: Client, stop: CancellationToken) -> anyhow::Result<()> {
    // Bind the sockets first, so that early connections wait instead of failing.
    let serving = WebhookServer::bind(&args)?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        explained(
            &format!("failed to listen on {}", args.listen),
            &["choose another address with --listen"],
        )
    })?;
    tracing::info!(address = %listener.local_addr()?, "serving /metrics, /healthz and /readyz");
    let digest_key = digest_key(&client, &args.namespace).await?;
    let sealing_keys = SealingKeys::load(&client, &args.namespace).await?;
    let account = permission::own_account(&client).await;
    let context = Arc::new(Context::new(
        client,
        settings(&args, account),
        digest_key,
        sealing_keys,
        Metrics::default(),
    ));
    let mut tasks = JoinSet::new();
    {
        let (context, stop) = (Arc::clone(&context), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = http::serve(listener, context, stop).await {
                tracing::error!(%error, "HTTP server failed");
            }
        });
    }
    if let Some(serving) = serving {
        context.webhook.set_enabled();
        serving.start(&context, &mut tasks, &stop);
    }
    watch::start(&context, &mut tasks, &stop).await;
    let outcome = if stop.is_cancelled() {
        Ok(None)
    } else {
        context.set_started();
        lead(&args, &context, &mut tasks, &stop).await
    };
    stop.cancel();
    tracing::info!("stopping");
    context.queue.close();
    while tasks.join_next().await.is_some() {}
    // Release the lease only after the last write, so that two replicas never write at the same time.
    if let Some(elector) = outcome? {
        elector.release().await;
    }
    Ok(())
}

fn settings(args: &Args, account: Arc<str>) -> Settings {
    Settings {
        account,
        namespace: args.namespace.as_str().into(),
        records_namespace: args.records_namespace.as_str().into(),
        ignore_authors: args.ignore_authors,
        inline_credentials: args.inline_credentials,
        namespaces: args
            .namespaces
            .iter()
            .map(|name| name.as_str().into())
            .collect(),
        zone: args
            .zone
            .as_deref()
            .filter(|zone| !zone.is_empty())
            .map(Into::into),
        unused_grace: args.unused_grace(),
    }
}

/// Acquires the leader lease, then reconciles until the token is cancelled. Returns the elector if the
/// lease is still held and must be released.
///
/// # Errors
/// If the lease is lost. The process must restart, because its caches may be stale.
async fn lead(
    args: &Args,
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<LeaderElector>> {
    if !args.leader_elect {
        start_controllers(args, context, tasks, stop);
        stop.cancelled().await;
        return Ok(None);
    }
    let identity = format!("{}_{}", host_name(), leader::nonce()?);
    let mut elector = LeaderElector::new(context.client.clone(), &args.namespace, identity);
    if !elector.acquire(stop).await {
        return Ok(None);
    }
    start_controllers(args, context, tasks, stop);
    if elector.renew(stop).await {
        Ok(Some(elector))
    } else {
        anyhow::bail!("lost the leader lease extension-registry; another replica may be leading")
    }
}

/// Returns the Pod name, which identifies the holder in the Lease.
fn host_name() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| "extension-registry".to_owned())
}

fn start_controllers(
    args: &Args,
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    enqueue_all(context);
    worker::start(context, args.concurrency, tasks);
    watch::start_runs(context, tasks, stop);
    tasks.spawn(worker::resync(
        Arc::clone(context),
        args.resync(),
        stop.clone(),
    ));
    tracing::info!("controllers started");
}

/// Marks this replica as the leader and enqueues every object once, unfinished workflows first.
fn enqueue_all(context: &Arc<Context>) {
    context.set_leading();
    run_gate::initialize(context);
    let stores = &context.stores;
    let priority = |observed: Option<i64>, generation: Option<i64>| {
        if observed == generation {
            Priority::Background
        } else {
            Priority::Dependent
        }
    };
    for (key, workflow) in stores.workflows.read().iter() {
        let status = workflow.status.as_ref();
        let observed = status.and_then(|status| status.observed_generation);
        let priority = priority(observed, workflow.metadata.generation);
        context.enqueue(Task::Workflow(key.clone()), priority);
    }
    for (key, binding) in stores.bindings.read().iter() {
        let status = binding.status.as_ref();
        let observed = status.and_then(|status| status.observed_generation);
        let priority = priority(observed, binding.metadata.generation);
        context.enqueue(Task::Binding(key.clone()), priority);
    }
    // Pipelines whose workflow was deleted while the operator was down.
    let workflows = stores.workflows.read();
    for key in stores.pipelines.read().keys() {
        if workflows.get(key).is_none() {
            context.enqueue(Task::Workflow(key.clone()), Priority::Dependent);
        }
    }
    drop(workflows);
    let projections: Vec<_> = stores.projections.read().keys().cloned().collect();
    for key in projections {
        impact::enqueue_projection(context, key, Priority::Background);
    }
    for key in stores.records.read().keys() {
        // By then the consumers are counted, so one status write is enough.
        context.enqueue_debounced(Task::Record(key.clone()));
    }
}

/// Returns the digest key of the cluster and creates it on the first start. After the loss of the key
/// every Secret is written once more.
async fn digest_key(client: &Client, namespace: &str) -> anyhow::Result<DigestKey> {
    let data = own_secret::read_or_create(client, namespace, DIGEST_SECRET, DIGEST_ENTRY).await?;
    let bytes = data.get(DIGEST_ENTRY);
    bytes.and_then(|bytes| DigestKey::from_bytes(&bytes.0)).with_context(|| {
        let message = format!(
            "invalid Secret {namespace}/{DIGEST_SECRET}: expected a 32-byte key in `{DIGEST_ENTRY}`"
        );
        explained(&message, &["delete the Secret and restart the operator"])
    })
}
