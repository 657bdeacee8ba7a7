//! The command `run`, which starts a workflow and follows the run.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_registry_api::Workflow;
use extension_registry_api::status::READY;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_pipeline::{self as pipeline, RUNS, RunProgress, RunState};
use extension_registry_query::cluster::connect;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::{Client, ResourceExt};
use schemars::JsonSchema;
use serde::Serialize;

use crate::client::request;
use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format};
use crate::output;
use crate::report::human::combined;

/// Interval between status requests.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Workflow: NAME or NAMESPACE/NAME
    #[arg(value_name = "WORKFLOW")]
    workflow: String,
    /// Input value; may be repeated. For a codeset, pass NAME=URL and NAME-revision=BRANCH
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    /// Wait for the run to finish and print its progress; exit with 1 if it fails
    #[arg(long)]
    follow: bool,
    /// Print the run without creating it
    #[arg(long = "dry-run")]
    dry: bool,
    /// Size of the workspace for each codeset
    #[arg(long, value_name = "QUANTITY", default_value = pipeline::WORKSPACE_SIZE)]
    workspace_size: String,
    /// Namespace of the workflow
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: Cluster,
}

/// Checks that a workflow is ready. If it is not, its Pipeline may not exist, and the run would fail.
fn check_ready(workflow: &Workflow, namespace: &str, name: &str) -> Result<()> {
    if workflow.metadata.deletion_timestamp.is_some() {
        let failure = Failure::new(format!("workflow {namespace}/{name} is being deleted"));
        bail!(failure.hint(format!(
            "check `metadata.finalizers` in the output of `kubectl get fwf/{name} -n {namespace} -o yaml`"
        )));
    }
    let conditions = workflow.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions
        .into_iter()
        .find(|condition| condition.type_ == READY);
    match ready {
        Some(ready) if ready.status == "True" => Ok(()),
        Some(ready) if ready.status == "False" => {
            let subject = format!(
                "workflow {namespace}/{name} is not ready ({})",
                ready.reason
            );
            bail!(Failure::from(Note::received(&ready.message).under(subject)))
        }
        _ => {
            let failure = Failure::new(format!("workflow {namespace}/{name} is not ready yet"));
            bail!(failure.hint(format!(
                "wait with `kubectl wait --for=condition=Ready fwf/{name} -n {namespace}`"
            )))
        }
    }
}

/// A started run.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Started {
    namespace: String,
    /// Name of the `PipelineRun`.
    run: String,
    /// Whether the run succeeded. Absent without --follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded: Option<bool>,
    /// Results by name.
    results: BTreeMap<String, String>,
}

fn input(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

pub(crate) fn run(verb: &Run, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let what = if verb.follow {
        "following the run"
    } else {
        "querying the cluster"
    };
    request(what, &verb.cluster, start(verb, out))
}

async fn start(verb: &Run, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let (client, default_namespace) = connect(&verb.cluster.connection(None)).await?;
    let (namespace, name) = match verb.workflow.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name),
        None => (
            verb.namespace.clone().unwrap_or(default_namespace),
            &*verb.workflow,
        ),
    };
    let workflow = Api::<Workflow>::namespaced(client.clone(), &namespace)
        .get_opt(name)
        .await
        .with_context(|| format!("failed to read Workflow {namespace}/{name}"))?;
    let Some(workflow) = workflow else {
        let failure = Failure::new(format!("workflow {namespace}/{name} not found"));
        bail!(failure.hint("list workflows with `kubectl ext status`"));
    };
    let inputs: BTreeMap<String, String> = verb.inputs.iter().cloned().collect();
    let run = pipeline::run(
        &namespace,
        name,
        &workflow.spec,
        &inputs,
        &verb.workspace_size,
    )
    .map_err(|problems| combined(&problems))?;
    if verb.dry {
        if verb.output == Format::Json {
            output::json(out, &run)?;
        } else {
            output::yaml(out, &run)?;
        }
        return Ok(ExitStatus::Success);
    }
    check_ready(&workflow, &namespace, name)?;
    let runs = runs(client, &namespace);
    let object: DynamicObject = serde_json::from_value(run)?;
    let created = runs
        .create(&PostParams::default(), &object)
        .await
        .map_err(create_error)?;
    let mut started = Started {
        run: created.name_any(),
        namespace,
        succeeded: None,
        results: BTreeMap::new(),
    };
    if verb.follow {
        output::print_status(&format!("{} created", started.name()))?;
        follow(&runs, &mut started).await?;
    }
    match verb.output {
        Format::Json => output::json(out, &started)?,
        Format::Yaml => output::yaml(out, &started)?,
        Format::Name => output::write_line!(out, "{}", started.name())?,
        Format::Table | Format::Wide if !verb.follow => {
            output::write_line!(out, "{} created", started.name())?;
        }
        Format::Table | Format::Wide => {
            for (name, value) in &started.results {
                output::write_line!(out, "{name}: {value}")?;
            }
        }
    }
    Ok(match started.succeeded {
        Some(false) => ExitStatus::Failure,
        _ => ExitStatus::Success,
    })
}

impl Started {
    /// Returns the name in the notation of kubectl.
    fn name(&self) -> String {
        format!("{}.{}/{}", RUNS.singular(), RUNS.group, self.run)
    }
}

/// Converts an API error. That of an admission policy is reported without a prefix.
fn create_error(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => Failure::from(Note::received(&status.message)).into(),
        error => anyhow::Error::new(error).context("failed to start a run"),
    }
}

fn runs(client: Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: RUNS.group.to_owned(),
        version: RUNS.version.to_owned(),
        api_version: RUNS.api_version(),
        kind: RUNS.kind.to_owned(),
        plural: RUNS.plural.to_owned(),
    };
    Api::namespaced_with(client, namespace, &resource)
}

/// Prints the messages of the engine until the run finishes.
async fn follow(runs: &Api<DynamicObject>, started: &mut Started) -> Result<()> {
    let name = &*started.run;
    let engine = pipeline::engine();
    let mut last = String::new();
    loop {
        let found = runs.get_opt(name).await;
        let Some(run) = found.with_context(|| format!("failed to read run {name}"))? else {
            bail!("run {name} was deleted");
        };
        let progress = engine.progress(&run.data);
        let message = status_line(&progress);
        if message != last && !message.is_empty() {
            output::print_status(&message)?;
            last = message;
        }
        match progress.state {
            RunState::Running => tokio::time::sleep(PAUSE).await,
            RunState::Succeeded => {
                started.succeeded = Some(true);
                started.results = engine.results(&run.data);
                return Ok(());
            }
            RunState::Failed => {
                started.succeeded = Some(false);
                return Ok(());
            }
        }
    }
}

/// Returns the reason and the message of the engine; empty if it reports neither.
fn status_line(progress: &RunProgress) -> String {
    match (&progress.reason, &progress.message) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    }
}
