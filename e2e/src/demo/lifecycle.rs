//! The chapters about access that ends and an operator that restarts.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::chapters::{WORKFLOW, secret_of};
use crate::print::Printer;
use crate::stage::{PROJECT, Stage};

pub(crate) async fn revoked(stage: &Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("A project loses access");
    let name = secret_of(stage, WORKFLOW, "seldon").await?;
    ensure!(stage.has_secret(&name)?, "Secret {name} does not exist");
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
    printer.sentence(&format!(
        "Project `{PROJECT}` is removed from the credentials of `seldon-core-shared`."
    ));
    while stage.has_secret(&name)? {
        ensure!(
            begin.elapsed() < Duration::from_mins(1),
            "Secret {name} still exists"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    printer.checked(&format!(
        "Secret {name} was deleted after {:.1} s",
        begin.elapsed().as_secs_f64()
    ));
    let message = stage.refused(WORKFLOW, "NoAccess").await?;
    printer.output(&format!("NoAccess: {message}"));
    ensure!(
        stage.get("Pipeline", WORKFLOW).await?.is_object(),
        "the last pipeline was deleted"
    );
    printer
        .checked("the last pipeline is kept, but the Secret that this step would mount is deleted");
    Ok(())
}

pub(crate) async fn restarted(stage: &mut Stage, printer: &mut Printer) -> Result<()> {
    printer.chapter("The operator restarts");
    let before = settled(stage).await?;
    stage.restart_operator()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = versions(stage)?;
    ensure!(
        before == after,
        "the restart changed objects:\n{before}\nbecame\n{after}"
    );
    printer.checked(&format!(
        "{} objects have the same resourceVersion as before: nothing was written",
        after.lines().count()
    ));
    Ok(())
}

/// Returns the versions of all objects once the consumer counts are written.
async fn settled(stage: &Stage) -> Result<String> {
    let start = Instant::now();
    let mut last = versions(stage)?;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = versions(stage)?;
        if now == last {
            return Ok(now);
        }
        ensure!(
            start.elapsed() < Duration::from_mins(2),
            "the objects keep changing"
        );
        last = now;
    }
}

/// Returns kind, name and `resourceVersion` of every object that the operator writes.
fn versions(stage: &Stage) -> Result<String> {
    let kinds = "clusterextensions.registry.fuseml.io,extensions.registry.fuseml.io,workflows.registry.fuseml.io,\
                 extensionprojections.registry.fuseml.io,pipelines.tekton.dev,secrets";
    let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,VERSION:.metadata.resourceVersion";
    stage
        .cluster
        .kubectl_run(&["get", kinds, "-n", PROJECT, "--no-headers", "-o", columns])
}
