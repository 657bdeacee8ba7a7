//! `run`: starts a workflow, and follows it.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_registry_api::Workflow;
use extension_registry_api::status::READY;
use extension_registry_pipeline as pipeline;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::{Client, ResourceExt};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::args::{Cluster, Format};
use crate::world::cluster::{ask, connect};
use crate::{FINE, WRONG, output};

/// How often a run is looked at.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The workflow: NAME or NAMESPACE/NAME
    #[arg(value_name = "WORKFLOW")]
    workflow: String,
    /// An input; may be repeated. A codeset takes NAME=URL and NAME-revision=BRANCH
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    /// Wait until it ends, and say what happens; the exit code is 1 when it fails
    #[arg(long)]
    follow: bool,
    /// Print the run and start nothing
    #[arg(long = "dry-run")]
    dry: bool,
    /// Space for each codeset
    #[arg(long, value_name = "QUANTITY", default_value = pipeline::WORKSPACE_SIZE)]
    workspace_size: String,
    /// Namespace of the workflow
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: Cluster,
}

/// Without this a run of a workflow that never was ready fails because its Pipeline does not exist.
fn check_ready(workflow: &Workflow, namespace: &str, name: &str) -> Result<()> {
    if workflow.metadata.deletion_timestamp.is_some() {
        bail!(
            "workflow {namespace}/{name} is being deleted; hint: see metadata.finalizers of kubectl get fwf/{name} -n {namespace} -o yaml"
        );
    }
    let conditions = workflow.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions
        .into_iter()
        .find(|condition| condition.type_ == READY);
    match ready {
        Some(ready) if ready.status == "True" => Ok(()),
        Some(ready) if ready.status == "False" => bail!(
            "workflow {namespace}/{name} is not ready ({}): {}",
            ready.reason,
            ready.message
        ),
        _ => bail!(
            "workflow {namespace}/{name} is not ready yet; hint: kubectl wait --for=condition=Ready fwf/{name} -n {namespace}"
        ),
    }
}

/// A run that was started.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Started {
    namespace: String,
    /// Name of the `PipelineRun`.
    run: String,
    /// Whether it ended well. Absent, where nobody waited for its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded: Option<bool>,
    /// What it came to, by name.
    results: BTreeMap<String, String>,
}

fn input(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "it has no `=`: write NAME=VALUE".to_owned())
}

pub(crate) fn run(verb: &Run, out: &mut Vec<u8>) -> Result<u8> {
    let what = if verb.follow {
        "following the run"
    } else {
        "asking the cluster"
    };
    ask(what, &verb.cluster, start(verb, out))
}

async fn start(verb: &Run, out: &mut Vec<u8>) -> Result<u8> {
    let (client, default_namespace) = connect(&verb.cluster).await?;
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
        bail!("no workflow `{name}` in namespace `{namespace}`; hint: kubectl ext status");
    };
    let inputs: BTreeMap<String, String> = verb.inputs.iter().cloned().collect();
    let run = pipeline::run(
        &namespace,
        name,
        &workflow.spec,
        &inputs,
        &verb.workspace_size,
    )
    .map_err(|problems| anyhow::anyhow!(problems.join("\n")))?;
    if verb.dry {
        if verb.output == Format::Json {
            output::json(out, &run)?;
        } else {
            output::yaml(out, &run)?;
        }
        return Ok(FINE);
    }
    check_ready(&workflow, &namespace, name)?;
    let runs = runs(client, &namespace);
    let object: DynamicObject = serde_json::from_value(run)?;
    let made = runs
        .create(&PostParams::default(), &object)
        .await
        .map_err(refused)?;
    let mut started = Started {
        run: made.name_any(),
        namespace,
        succeeded: None,
        results: BTreeMap::new(),
    };
    if verb.follow {
        output::say(&format!("{} created", started.name()))?;
        follow(&runs, &mut started).await?;
    }
    match verb.output {
        Format::Json => output::json(out, &started)?,
        Format::Yaml => output::yaml(out, &started)?,
        Format::Name => writeln!(out, "{}", started.name())?,
        Format::Table | Format::Wide if !verb.follow => {
            writeln!(out, "{} created", started.name())?;
        }
        Format::Table | Format::Wide => {
            for (name, value) in &started.results {
                writeln!(out, "{name}: {value}")?;
            }
        }
    }
    Ok(match started.succeeded {
        Some(false) => WRONG,
        _ => FINE,
    })
}

impl Started {
    /// As kubectl names it.
    fn name(&self) -> String {
        format!("pipelinerun.tekton.dev/{}", self.run)
    }
}

/// What a policy says is for people already.
fn refused(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => anyhow::anyhow!("{}", status.message),
        error => anyhow::Error::new(error).context("failed to start a run"),
    }
}

fn runs(client: Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "tekton.dev".to_owned(),
        version: "v1".to_owned(),
        api_version: "tekton.dev/v1".to_owned(),
        kind: "PipelineRun".to_owned(),
        plural: "pipelineruns".to_owned(),
    };
    Api::namespaced_with(client, namespace, &resource)
}

/// Says what the engine says, each thing once, until the run has ended.
async fn follow(runs: &Api<DynamicObject>, started: &mut Started) -> Result<()> {
    let name = &*started.run;
    let mut last = String::new();
    loop {
        let found = runs.get_opt(name).await;
        let Some(run) = found.with_context(|| format!("failed to read run {name}"))? else {
            bail!("run {name} was deleted");
        };
        let progress = Progress::of(&run.data);
        if progress.message != last && !progress.message.is_empty() {
            output::say(&progress.message)?;
            last.clone_from(&progress.message);
        }
        if progress.succeeded == Some(true) {
            started.results = results(&run.data);
        }
        if progress.succeeded.is_some() {
            started.succeeded = progress.succeeded;
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How far a run is.
struct Progress {
    /// Whether it ended well; `None` while it goes on.
    succeeded: Option<bool>,
    /// What the engine says.
    message: String,
}

impl Progress {
    /// From condition `Succeeded`, which the engine keeps.
    fn of(run: &Value) -> Self {
        let conditions = run.pointer("/status/conditions").and_then(Value::as_array);
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Succeeded");
        let text = |field: &str| condition.and_then(|condition| condition[field].as_str());
        Self {
            succeeded: match text("status") {
                Some("True") => Some(true),
                Some("False") => Some(false),
                _ => None,
            },
            message: match (text("reason"), text("message")) {
                (Some(reason), Some(message)) => format!("{reason}: {message}"),
                (Some(text), None) | (None, Some(text)) => text.to_owned(),
                (None, None) => String::new(),
            },
        }
    }
}

fn results(run: &Value) -> BTreeMap<String, String> {
    let results = run.pointer("/status/results").and_then(Value::as_array);
    results
        .into_iter()
        .flatten()
        .filter_map(|result| {
            let value = match &result["value"] {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            Some((result["name"].as_str()?.to_owned(), value))
        })
        .collect()
}
