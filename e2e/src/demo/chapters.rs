//! The chapters. Each shows real output and fails when what it tells is not true.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extension_registry_e2e::setup::repository;
use serde_json::{Value, json};

use crate::container::{self, Run};
use crate::print::Printer;
use crate::stage::{PROJECT, Stage, list, text};

const WORKFLOW: &str = "train-and-serve";
const STEP: &str = "trainer";
const REQUIREMENT: &str = "data";
const KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// Tells the whole story.
pub(crate) async fn tell(stage: &mut Stage, printer: &mut Printer) -> Result<()> {
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
    revoked(stage, printer).await?;
    restarted(stage, printer).await
}

fn registered(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("What is registered");
    printer.say("Operators of the platform register each third-party tool once, as a record.");
    stage.apply(printer, &["-R", "-f"], "examples/records")?;
    stage.apply(printer, &["-k"], "examples/gitops/cluster")?;
    // Applies the project with a record of its own; its workflow is told of below.
    stage.apply(printer, &["-k"], "examples/gitops/overlays/dev")?;
    stage.cluster.kubectl_run(&[
        "wait",
        "--for=condition=Ready",
        "clusterextensions.registry.fuseml.io",
        "--all",
        "--timeout=30s",
    ])?;
    let table = stage.show(printer, &["get", "cext"])?;
    ensure!(
        table.contains("mlflow-0001") && table.contains("seldon-core-shared"),
        "a record of the examples is not in the list"
    );
    Ok(())
}

async fn resolved(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("What the workflows need, and what they got");
    printer
        .say("A step says what it needs. The operator finds exactly one match, or says why not.");
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
                asked(&workflow, step, requirement),
                format!("{}/{}", text(binding, "record"), text(binding, "service")),
                text(binding, "endpoint").to_owned(),
                text(binding, "credentials").to_owned(),
            ]);
        }
    }
    printer.table(
        &[
            "WORKFLOW/STEP",
            "ASKED FOR",
            "GOT",
            "ENDPOINT",
            "CREDENTIALS",
        ],
        &rows,
    );
    let got = |asked: &str, record: &str| {
        rows.iter()
            .any(|row| row[1].contains(asked) && row[2] == record)
    };
    ensure!(
        got("version >=0.4.0", "kfserving-local/API"),
        "the range >=0.4.0 did not find kfserving-local"
    );
    ensure!(
        got("category training-data", "training-data/s3"),
        "the project's own record was not found"
    );
    printer.checked("every requirement has one record, one service, one endpoint and one set of credentials at most");
    Ok(())
}

/// The selectors of a requirement, as words.
fn asked(workflow: &Value, step: &str, requirement: &str) -> String {
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
    printer.say(&format!(
        "Step `{STEP}` of the Tekton Pipeline `{WORKFLOW}`: names of Secrets and keys, never a value."
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

/// The Secret that a requirement of a workflow uses.
async fn secret_of(stage: &Stage, workflow: &str, requirement: &str) -> Result<String> {
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
    printer.say(
        "Each choice is rendered into one Secret of the project, and listed. Names of its keys:",
    );
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
    printer.chapter("What the step's container sees");
    if let Some(why) = stage.cluster.node_missing() {
        printer.skipped(&format!("a container needs a node: {why}"));
        return Ok(None);
    }
    printer.say(
        "A Pod made from the generated step prints names, lengths and salted marks, no values:",
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
        "{KEY} is there as a file and as a variable, with the same content"
    ));
    Ok(Some(variable))
}

/// The mark of a file or variable in what a container printed.
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
    printer.say("Somebody changes `secret-key` in the source Secret `training-data`. No workflow is edited.");
    stage
        .until(
            "ExtensionProjection",
            &name,
            "has the rotated key",
            |object| digest(object) != old,
        )
        .await?;
    printer.checked(&format!(
        "the rendered Secret follows after {:.1} s",
        begin.elapsed().as_secs_f64()
    ));
    let now = stage.get("Pipeline", WORKFLOW).await?["metadata"]["resourceVersion"].clone();
    ensure!(now == version, "the pipeline was written");
    printer.checked("the pipeline was not touched: its resourceVersion is the same");
    match before {
        None => printer.skipped("the next run, for want of a node"),
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
                "the next run has it: mark {before} became {after}"
            ));
        }
    }
    Ok(())
}

async fn missed(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("A requirement that nothing meets");
    printer.say("A step asks for `resource: mlflow-tracker`. The answer names the nearest miss:");
    let requirement = json!({"name": "tracker", "product": "mlflow", "resource": "mlflow-tracker"});
    stage
        .cluster
        .apply(&workflow("train-misspelt", &requirement))?;
    let message = stage.refused("train-misspelt", "NotFound").await?;
    printer.output(&format!("NotFound: {message}"));
    ensure!(
        message.contains("mlflow-tracking"),
        "the nearest miss is not named"
    );
    Ok(())
}

/// A workflow of one step with one requirement.
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
    printer.chapter("A requirement that several records meet");
    printer.say("Never the newest, never the first: the operator refuses and explains.");
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
    let shown = "kubectl patch clusterextension minio-s3-storage --type merge --patch-file examples/ambiguous/fix.yaml";
    let output = stage.cluster.kubectl_run(&[
        "patch",
        "clusterextensions.registry.fuseml.io",
        "minio-s3-storage",
        "--type",
        "merge",
        "--patch-file",
        &fix.to_string_lossy(),
    ])?;
    printer.ran(shown, &output);
    let workflow = stage.ready("train-ambiguous").await?;
    let record = text(&workflow["status"]["bindings"][0], "record");
    ensure!(
        record == "minio-s3-storage",
        "the default was not taken, but {record}"
    );
    printer.checked(&format!(
        "the workflow healed by itself after {:.1} s, with {record}",
        begin.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn revoked(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("A project loses access");
    let name = secret_of(stage, WORKFLOW, "seldon").await?;
    ensure!(
        stage.has_secret(&name)?,
        "Secret {name} is not there to begin with"
    );
    let patch = json!([{
        "op": "replace", "path": "/spec/services/0/credentials/0/project", "value": ["gamma"],
    }]);
    let begin = Instant::now();
    stage.cluster.kubectl_run(&[
        "patch",
        "clusterextensions.registry.fuseml.io",
        "seldon-core-shared",
        "--type",
        "json",
        "-p",
        &patch.to_string(),
    ])?;
    printer.say(&format!(
        "Project `{PROJECT}` is taken out of the credentials of `seldon-core-shared`."
    ));
    while stage.has_secret(&name)? {
        ensure!(
            begin.elapsed() < Duration::from_secs(10),
            "Secret {name} is still there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    printer.checked(&format!(
        "Secret {name} was gone after {:.1} s",
        begin.elapsed().as_secs_f64()
    ));
    let message = stage.refused(WORKFLOW, "NoAccess").await?;
    printer.output(&format!("NoAccess: {message}"));
    ensure!(
        stage.get("Pipeline", WORKFLOW).await?.is_object(),
        "the last pipeline was deleted"
    );
    printer.checked("the last pipeline stays, but the Secret that this step would mount is gone");
    Ok(())
}

async fn restarted(stage: &mut Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("The operator restarts");
    let before = settled(stage).await?;
    stage.restart_operator()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = versions(stage)?;
    ensure!(
        before == after,
        "the restart wrote something:\n{before}\nbecame\n{after}"
    );
    printer.checked(&format!(
        "{} objects have the same resourceVersion as before: nothing was written",
        after.lines().count()
    ));
    Ok(())
}

/// What all objects of the registry look like once counts have been written.
async fn settled(stage: &Stage) -> Result<String> {
    let start = Instant::now();
    let mut last = versions(stage)?;
    loop {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let now = versions(stage)?;
        if now == last {
            return Ok(now);
        }
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "the objects do not come to rest"
        );
        last = now;
    }
}

/// Kind, name and resourceVersion of everything that the operator writes.
fn versions(stage: &Stage) -> Result<String> {
    let kinds = "clusterextensions.registry.fuseml.io,extensions.registry.fuseml.io,workflows.registry.fuseml.io,\
                 extensionprojections.registry.fuseml.io,pipelines.tekton.dev,secrets";
    let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,VERSION:.metadata.resourceVersion";
    stage
        .cluster
        .kubectl_run(&["get", kinds, "-n", PROJECT, "--no-headers", "-o", columns])
}
