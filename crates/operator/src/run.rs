//! Wiring: from the arguments to a running operator, and back to nothing.

use std::sync::Arc;

use anyhow::Context as _;
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::context::{Context, Settings};
use crate::digest::DigestKey;
use crate::leader::{self, Candidate};
use crate::metrics::Metrics;
use crate::queue::Urgency;
use crate::seal::SealingKeys;
use crate::serving::Serving;
use crate::task::Task;
use crate::{http, own_secret, permission, resync, run_gate, watch, worker};

/// Name of the Secret that holds the digest key.
const DIGEST_SECRET: &str = "extension-registry-digest-key";
const DIGEST_ENTRY: &str = "key";

/// Runs until the token is cancelled; then ends the work at hand and returns.
///
/// # Errors
/// When it cannot start: no API server, no namespace, a port in use.
pub async fn run(args: Args, client: Client, stop: CancellationToken) -> anyhow::Result<()> {
    // Sockets first: whoever calls early waits rather than fails.
    let serving = Serving::bind(&args)?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "failed to listen on {}; choose another address with --listen",
            args.listen
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
                tracing::error!(%error, "HTTP server ended");
            }
        });
    }
    if let Some(serving) = serving {
        context.webhook.set_wanted();
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
    // Only now, when nothing is written any more, may another replica begin.
    if let Some(candidate) = outcome? {
        candidate.release().await;
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

/// Waits for its turn, then works until it is told to stop. The candidate comes back to give the
/// Lease away.
///
/// # Errors
/// When the Lease was lost: another replica works now, and this one must begin anew.
async fn lead(
    args: &Args,
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Candidate>> {
    if !args.leader_elect {
        work(args, context, tasks, stop);
        stop.cancelled().await;
        return Ok(None);
    }
    let me = format!("{}_{}", host_name(), leader::nonce()?);
    let mut candidate = Candidate::new(context.client.clone(), &args.namespace, me);
    if !candidate.acquire(stop).await {
        return Ok(None);
    }
    work(args, context, tasks, stop);
    if candidate.keep(stop).await {
        Ok(Some(candidate))
    } else {
        anyhow::bail!("the Lease extension-registry was lost: another replica works now")
    }
}

/// Name of the Pod, for people who look at the Lease.
fn host_name() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| "extension-registry".to_owned())
}

fn work(args: &Args, context: &Arc<Context>, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
    begin(context);
    worker::start(context, args.concurrency, tasks);
    watch::start_runs(context, tasks, stop);
    tasks.spawn(resync::run(
        Arc::clone(context),
        args.resync(),
        stop.clone(),
    ));
    tracing::info!("started");
}

/// Everything is known and it is this replica's turn: looks at every object once. What is not
/// finished goes first.
fn begin(context: &Arc<Context>) {
    context.set_leading();
    run_gate::begin(context);
    let world = &context.world;
    for (key, workflow) in world.workflows.read().iter() {
        let observed = workflow
            .status
            .as_ref()
            .and_then(|status| status.observed_generation);
        let urgency = if observed == workflow.metadata.generation {
            Urgency::Background
        } else {
            Urgency::Dependent
        };
        context.want(Task::Workflow(key.clone()), urgency);
    }
    // What workflows left behind while nothing was watched.
    let workflows = world.workflows.read();
    for key in world.pipelines.read().keys() {
        if workflows.get(key).is_none() {
            context.want(Task::Workflow(key.clone()), Urgency::Dependent);
        }
    }
    drop(workflows);
    for key in world.ledger.read().keys() {
        context.want(Task::Projection(key.clone()), Urgency::Background);
    }
    for key in world.records.read().keys() {
        // Their consumers are counted by then, so that one write is enough.
        context.want_settled(Task::Record(key.clone()));
    }
}

/// The digest key of the cluster; made on the first start. A lost key rewrites everything once.
async fn digest_key(client: &Client, namespace: &str) -> anyhow::Result<DigestKey> {
    let data = own_secret::read_or_create(client, namespace, DIGEST_SECRET, DIGEST_ENTRY).await?;
    let bytes = data.get(DIGEST_ENTRY);
    bytes.and_then(|bytes| DigestKey::from_bytes(&bytes.0)).with_context(|| {
        format!("Secret {namespace}/{DIGEST_SECRET} holds no key of 32 bytes in `{DIGEST_ENTRY}`; delete it")
    })
}
