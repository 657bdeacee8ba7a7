//! The chapters on a cluster. Each prints real output, and fails if a check does.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use extension_registry_e2e::setup::repository;
use serde_json::{Value, json};

use crate::container::{self, Run};
use crate::lifecycle;
use crate::print::Printer;
use crate::stage::{PROJECT, Stage, list, text};

pub(crate) const WORKFLOW: &str = "train-and-serve";
const STEP: &str = "trainer";
const REQUIREMENT: &str = "data";
const KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// Runs all chapters.
pub(crate) async fn play(stage: &mut Stage, printer: &mut Printer) -> Result<()> {
    registered(stage, printer)?;
    resolved(stage, printer).await?;
    let task = pipeline(stage, printer).await?;
    secret(stage, printer).await?;
    let salt = format!("{:?}", Instant::now());
    let before = first_run(stage, printer, &task, &salt).await?;
    rotated(stage, printer, &task, &salt, before).await?;
    missed(stage, printer).await?;
    ambiguous(stage, printer).await?;
    healed(stage, printer).await?;
    lifecycle::revoked(stage, printer).await?;
    lifecycle::restarted(stage, printer).await
}

fn registered(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("What is registered");
    printer
        .sentence("The same records, now in the cluster, and a project with a record of its own.");
    stage.apply(printer, &["-R", "-f"], "examples/records")?;
    stage.apply(printer, &["-k"], "examples/gitops/cluster")?;
    stage.apply(printer, &["-k"], "examples/gitops/overlays/dev")?;
    stage.cluster.kubectl_run(&[
        "wait",
        "--for=condition=Ready",
        "clusterextensions.registry.fuseml.io",
        "--all",
        "--timeout=120s",
    ])?;
    let table = stage.show(printer, &["get", "cext"])?;
    ensure!(
        table.contains("mlflow-0001") && table.contains("seldon-core-shared"),
        "a record of the examples is not listed"
    );
    Ok(())
}

async fn resolved(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("What the workflows require, and what they get");
    printer.sentence(
        "The operator resolves each requirement, and writes a Pipeline for each workflow.",
    );
    stage.apply(printer, &["-f"], "examples/workflows")?;
    let mut rows = Vec::new();
    for name in [
        "train-explicit",
        "serve-product",
        "train-resource",
        "train-minimal",
        WORKFLOW,
    ] {
        let workflow = stage.ready(name).await?;
        for binding in list(&workflow["status"]["bindings"]) {
            let (step, requirement) = (text(binding, "step"), text(binding, "requirement"));
            rows.push(vec![
                format!("{name}/{step}"),
                selectors(&workflow, step, requirement),
                format!("{}/{}", text(binding, "record"), text(binding, "service")),
                text(binding, "endpoint").to_owned(),
                text(binding, "credentials").to_owned(),
            ]);
        }
    }
    printer.table(
        &[
            "WORKFLOW/STEP",
            "REQUIREMENT",
            "SERVICE",
            "ENDPOINT",
            "CREDENTIALS",
        ],
        &rows,
    );
    let is_bound = |selector: &str, service: &str| {
        rows.iter()
            .any(|row| row[1].contains(selector) && row[2] == service)
    };
    ensure!(
        is_bound("version >=0.4.0", "kfserving-local/API"),
        "the range >=0.4.0 does not match kfserving-local"
    );
    ensure!(
        is_bound("category training-data", "training-data/s3"),
        "the record of the project is not used"
    );
    printer.checked("each requirement has one record, one service, and at most one endpoint and set of credentials");
    Ok(())
}

/// Returns the selectors of a requirement as text.
fn selectors(workflow: &Value, step: &str, requirement: &str) -> String {
    let named = |list: &Value, name: &str| {
        crate::stage::list(list)
            .iter()
            .find(|entry| entry["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    let entry = named(
        &named(&workflow["spec"]["steps"], step)["extensions"],
        requirement,
    );
    [
        "extension",
        "product",
        "version",
        "zone",
        "service",
        "resource",
        "category",
        "endpoint",
    ]
    .iter()
    .filter_map(|field| {
        entry[field]
            .as_str()
            .map(|value| format!("{field} {value}"))
    })
    .collect::<Vec<_>>()
    .join(", ")
}

async fn pipeline(stage: &Stage, printer: &mut Printer) -> Result<Value> {
    printer.chapter("The generated pipeline");
    printer.sentence(&format!(
        "Step `{STEP}` of the Tekton Pipeline `{WORKFLOW}`: only names of Secrets and keys, no values."
    ));
    let pipeline = stage.get("Pipeline", WORKFLOW).await?;
    let task = container::task(&pipeline, STEP)?;
    let step = &task["steps"][0];
    let mut rows = Vec::new();
    for mount in list(&step["volumeMounts"]) {
        let volume = list(&task["volumes"])
            .iter()
            .find(|volume| volume["name"] == mount["name"]);
        if let Some(volume) = volume {
            let secret = text(&volume["secret"], "secretName");
            rows.push(vec![
                "mount".to_owned(),
                text(mount, "mountPath").to_owned(),
                format!("Secret {secret}"),
            ]);
        }
    }
    for variable in list(&step["env"]) {
        let reference = &variable["valueFrom"]["secretKeyRef"];
        let from = if reference.is_object() {
            format!(
                "Secret {}, key {}",
                text(reference, "name"),
                text(reference, "key")
            )
        } else {
            format!("`{}`", text(variable, "value"))
        };
        rows.push(vec![
            "variable".to_owned(),
            text(variable, "name").to_owned(),
            from,
        ]);
    }
    printer.table(&["WHAT", "WHERE", "FROM"], &rows);
    ensure!(
        rows.iter()
            .any(|row| row[1] == format!("/bindings/{REQUIREMENT}")),
        "the step has no mount at /bindings/{REQUIREMENT}"
    );
    ensure!(
        rows.iter()
            .any(|row| row[1] == KEY && row[2].starts_with("Secret ")),
        "the step's variable {KEY} does not come from a Secret"
    );
    Ok(task.clone())
}

/// Returns the name of the Secret of a requirement of a workflow.
pub(crate) async fn secret_of(stage: &Stage, workflow: &str, requirement: &str) -> Result<String> {
    let workflow = stage.ready(workflow).await?;
    list(&workflow["status"]["bindings"])
        .iter()
        .find(|binding| binding["requirement"] == requirement)
        .and_then(|binding| binding["secret"].as_str())
        .map(str::to_owned)
        .with_context(|| format!("requirement `{requirement}` has no Secret"))
}

async fn secret(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("Where the credentials are");
    printer.sentence("Each binding is rendered into a Secret of the project. Its keys:");
    let name = secret_of(stage, WORKFLOW, REQUIREMENT).await?;
    let keys = stage.secret_keys(&name)?;
    printer.output(&format!("Secret {name}: {}", keys.join(", ")));
    for key in [KEY, "type", "uri", "host", "extension.yaml"] {
        ensure!(
            keys.iter().any(|known| known == key),
            "the Secret has no key `{key}`"
        );
    }
    stage.show(printer, &["get", "extensionprojections", "-A"])?;
    let projection = stage.get("ExtensionProjection", &name).await?;
    ensure!(
        projection["spec"]["record"]["name"] == "training-data",
        "the projection does not name the record"
    );
    Ok(())
}

async fn first_run(
    stage: &Stage,
    printer: &mut Printer,
    task: &Value,
    salt: &str,
) -> Result<Option<String>> {
    printer.chapter("What the container of the step gets");
    if let Some(why) = stage.cluster.node_missing() {
        printer.skipped(&format!("a container requires a node: {why}"));
        return Ok(None);
    }
    printer.sentence(
        "A Pod with the generated step prints names, lengths and salted fingerprints, no values:",
    );
    let output = container::run(
        stage,
        task,
        &Run {
            pod: "first-run",
            salt,
        },
    )
    .await?;
    printer.output(&output);
    ensure!(
        output.contains(&format!("/bindings/{REQUIREMENT}/{KEY} ")),
        "the container has no file for {KEY}"
    );
    ensure!(
        !output.contains("not-a-real"),
        "the container printed a value"
    );
    let file = mark(&output, &format!("/bindings/{REQUIREMENT}/{KEY}"))?;
    let variable = mark(&output, KEY)?;
    ensure!(file == variable, "file and variable differ");
    printer.checked(&format!(
        "{KEY} is a file and a variable, with the same content"
    ));
    Ok(Some(variable))
}

/// Returns the fingerprint of a file or variable from the output of a container.
fn mark(printed: &str, name: &str) -> Result<String> {
    printed
        .lines()
        .find(|line| line.split_whitespace().nth(1) == Some(name))
        .and_then(|line| line.split_whitespace().last())
        .map(str::to_owned)
        .with_context(|| format!("the container did not print `{name}`"))
}

async fn rotated(
    stage: &Stage,
    printer: &mut Printer,
    task: &Value,
    salt: &str,
    before: Option<String>,
) -> Result<()> {
    printer.chapter("A credential is rotated");
    let name = secret_of(stage, WORKFLOW, REQUIREMENT).await?;
    let digest = |object: &Value| object["status"]["digest"].clone();
    let old = digest(&stage.get("ExtensionProjection", &name).await?);
    let version = stage.get("Pipeline", WORKFLOW).await?["metadata"]["resourceVersion"].clone();
    let change = json!({"stringData": {"secret-key": "not-a-real-secret-key-rotated"}});
    let begin = Instant::now();
    stage.cluster.kubectl_run(&[
        "patch",
        "secret",
        "training-data",
        "-n",
        PROJECT,
        "--type",
        "merge",
        "-p",
        &change.to_string(),
    ])?;
    printer.sentence(
        "`secret-key` changes in the source Secret `training-data`. No workflow is edited.",
    );
    stage
        .until(
            "ExtensionProjection",
            &name,
            "has the rotated key",
            |object| digest(object) != old,
        )
        .await?;
    printer.checked(&format!(
        "the rendered Secret is updated after {:.1} s",
        begin.elapsed().as_secs_f64()
    ));
    let now = stage.get("Pipeline", WORKFLOW).await?["metadata"]["resourceVersion"].clone();
    ensure!(now == version, "the pipeline was written");
    printer.checked("the Pipeline is unchanged: it has the same resourceVersion");
    match before {
        None => printer.skipped("the next run requires a node"),
        Some(before) => {
            let output = container::run(
                stage,
                task,
                &Run {
                    pod: "second-run",
                    salt,
                },
            )
            .await?;
            let after = mark(&output, KEY)?;
            ensure!(before != after, "the next run has the old credential");
            printer.checked(&format!(
                "the next run has the new value: fingerprint {before} became {after}"
            ));
        }
    }
    Ok(())
}

async fn missed(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("A requirement that no record matches");
    printer.sentence(
        "A step requires `resource: mlflow-tracker`. The message names the nearest candidate:",
    );
    let requirement = json!({"name": "tracker", "product": "mlflow", "resource": "mlflow-tracker"});
    stage
        .cluster
        .apply(&workflow("train-misspelt", &requirement))?;
    let message = stage.refused("train-misspelt", "NotFound").await?;
    printer.output(&format!("NotFound: {message}"));
    ensure!(
        message.contains("mlflow-tracking"),
        "the nearest candidate is not named"
    );
    Ok(())
}

/// Returns a workflow of one step with one requirement.
fn workflow(name: &str, requirement: &Value) -> String {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": PROJECT},
        "spec": {"steps": [{
            "name": "only",
            "image": "registry.example.org/step:1",
            "extensions": [requirement],
        }]},
    })
    .to_string()
}

async fn ambiguous(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("A requirement that several records match");
    printer.sentence("The operator chooses neither the newest nor the first. It refuses the workflow, with the reason:");
    stage.apply(printer, &["-f"], "examples/ambiguous/workflow.yaml")?;
    let message = stage.refused("train-ambiguous", "Ambiguous").await?;
    printer.output(&format!("Ambiguous: {message}"));
    for candidate in [
        "aws-object-storage",
        "minio-s3-storage",
        "mlflow-model-store-0001",
    ] {
        ensure!(
            message.contains(candidate),
            "`{candidate}` is not among the candidates"
        );
    }
    Ok(())
}

async fn healed(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("One record becomes the default");
    let fix = repository("examples/ambiguous/fix.yaml");
    let begin = Instant::now();
    let command =
        "kubectl patch cext minio-s3-storage --type merge --patch-file examples/ambiguous/fix.yaml";
    let output = stage.cluster.kubectl_run(&[
        "patch",
        "clusterextensions.registry.fuseml.io",
        "minio-s3-storage",
        "--type",
        "merge",
        "--patch-file",
        &fix.to_string_lossy(),
    ])?;
    printer.ran(command, &output);
    let workflow = stage.ready("train-ambiguous").await?;
    let record = text(&workflow["status"]["bindings"][0], "record");
    ensure!(
        record == "minio-s3-storage",
        "{record} is used instead of the default"
    );
    printer.checked(&format!(
        "the workflow is ready after {:.1} s, without an edit, with {record}",
        begin.elapsed().as_secs_f64()
    ));
    Ok(())
}
