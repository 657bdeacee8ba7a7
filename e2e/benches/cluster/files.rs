//! Time of `kubectl ext` for files, compared with `kubectl kustomize` for the same files in the same run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options, cluster, operator};

use crate::report::Report;

/// Number of records, and of workflows.
const OBJECTS: usize = 1_000;
const RUNS: usize = 5;

/// Writes the files and measures.
pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let cluster = Cluster::start(options).await?;
    let kubectl = cluster.kubectl();
    let folder =
        std::env::temp_dir().join(format!("extension-registry-files-{}", std::process::id()));
    let result = measure(&folder, &kubectl, report);
    fs::remove_dir_all(&folder)?;
    cluster.stop().await?;
    result
}

fn measure(folder: &Path, kubectl: &Path, report: &mut Report) -> Result<()> {
    let (plain, kustomized) = (folder.join("plain"), folder.join("kustomized"));
    write(&plain, false)?;
    write(&kustomized, true)?;
    let ext = operator::built("kubectl-ext")?;
    // Alternating, so that all run under the same load of the machine.
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        times[0].push(seconds(&ext, &["lint"], &plain)?);
        times[1].push(seconds(&ext, &["render"], &plain)?);
        times[2].push(seconds(kubectl, &["kustomize"], &kustomized)?);
    }
    let [lint, render, kustomize] = times.map(median);
    report.at_most("lint of 1,000 records and 1,000 workflows", lint, 1.0, "s");
    report.at_most(
        "render of 1,000 records and 1,000 workflows",
        render,
        1.0,
        "s",
    );
    report.note(
        "kubectl kustomize of 1,000 records and 1,000 workflows",
        kustomize,
        "s",
    );
    report.at_most(
        "lint relative to kubectl kustomize",
        lint / kustomize,
        1.0,
        "x",
    );
    report.at_most(
        "render relative to kubectl kustomize",
        render / kustomize,
        1.0,
        "x",
    );
    Ok(())
}

fn seconds(program: &Path, arguments: &[&str], folder: &Path) -> Result<f64> {
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .arg(folder)
        .stdout(Stdio::null())
        .status()?;
    ensure!(
        status.success(),
        "{} {arguments:?} failed",
        program.display()
    );
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn write(folder: &Path, is_kustomized: bool) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut names: Vec<PathBuf> = Vec::new();
    for number in 0..OBJECTS {
        for (name, text) in [
            (format!("record-{number}.yaml"), record(number)),
            (format!("workflow-{number}.yaml"), workflow(number)),
        ] {
            fs::write(folder.join(&name), text)?;
            names.push(name.into());
        }
    }
    if is_kustomized {
        let list = serde_json::json!({"resources": names});
        fs::write(folder.join("kustomization.yaml"), list.to_string())?;
    }
    Ok(())
}

fn record(number: usize) -> String {
    let (product, minor) = (number % 50, number / 50);
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata:
  name: store-{number}
spec:
  product: store-{product}
  version: \"1.{minor}.0\"
  services:
    - name: s3
      resource: s3
      category: object-storage
      endpoints:
        - name: cluster
          url: http://store-{number}:9000
          type: internal
      credentials:
        - name: main
          configuration:
            - name: KEY
              valueFrom:
                secretKeyRef:
                  name: store-{number}
                  key: KEY
"
    )
}

fn workflow(number: usize) -> String {
    let (namespace, product, minor) = (number % 20, number % 50, number % 20);
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata:
  name: train-{number}
  namespace: team-{namespace}
spec:
  inputs:
    - name: codeset
      type: codeset
  steps:
    - name: build
      image: builder:1
      inputs:
        - codeset:
            name: '{{{{ inputs.codeset }}}}'
            path: /project
      outputs:
        - name: image
    - name: train
      image: '{{{{ steps.build.outputs.image }}}}'
      extensions:
        - name: store
          product: store-{product}
          resource: s3
          version: \"1.{minor}.0\"
      env:
        - name: WHERE
          value: '{{{{ extensions.store.url }}}}'
"
    )
}
