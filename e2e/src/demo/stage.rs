//! The cluster and the operator of the demo, and the objects to remove afterwards.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use extension_registry_e2e::setup::{NAMESPACE, RECORDS_NAMESPACE, repository};
use extension_registry_e2e::{Cluster, Operator, Options};
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;

use crate::print::Printer;

/// The project of the examples.
pub(crate) const PROJECT: &str = "alpha";

const TIMEOUT: Duration = Duration::from_mins(2);

/// A cluster with the operator in it.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    operator: Option<Operator>,
    log: PathBuf,
    /// Objects created in an existing cluster, as arguments of `kubectl delete`.
    created: Vec<Vec<String>>,
}

impl Stage {
    /// Starts the cluster and the operator. On failure, nothing is left running.
    pub(crate) async fn open(printer: &mut Printer) -> Result<Self> {
        printer.chapter("A Kubernetes on this machine, and the operator");
        let begin = Instant::now();
        let cluster = Cluster::from_environment_or_start(Options::default()).await?;
        let version = cluster.client().apiserver_version().await?.git_version;
        let origin = if cluster.is_owned() {
            "started"
        } else {
            "existing"
        };
        let log = std::env::temp_dir().join(format!(
            "extension-registry-demo-{}.log",
            std::process::id()
        ));
        let mut stage = Self {
            cluster,
            operator: None,
            log,
            created: Vec::new(),
        };
        stage.reserve()?;
        stage.cluster.install()?;
        stage.start_operator()?;
        printer.checked(&format!(
            "Kubernetes {version} ({origin}) and the operator are ready after {:.1} s",
            begin.elapsed().as_secs_f64()
        ));
        if let Some(why) = stage.cluster.node_missing() {
            printer.skipped(&format!(
                "the cluster has no node, so no container runs: {why}"
            ));
        }
        Ok(stage)
    }

    /// In an existing cluster: fails if the demo would change objects, and lists what it creates.
    fn reserve(&mut self) -> Result<()> {
        if self.cluster.is_owned() {
            return Ok(());
        }
        let exists = |arguments: &[&str]| {
            let all: Vec<&str> = ["get"].iter().chain(arguments).copied().collect();
            self.cluster
                .kubectl_run(&all)
                .is_ok_and(|found| !found.trim().is_empty())
        };
        ensure!(
            !exists(&["namespace", PROJECT, "--ignore-not-found"]),
            "the cluster already has a namespace `{PROJECT}`, which the demo would change"
        );
        ensure!(
            !exists(&["clusterextensions.registry.fuseml.io", "-o", "name"]),
            "the cluster already has ClusterExtensions, and the demo would change how workflows resolve"
        );
        let example = |path: &str| repository(path).to_string_lossy().into_owned();
        // By name: records that another user adds during the demo are kept.
        let mut created = vec![
            vec![
                "-R".to_owned(),
                "-f".to_owned(),
                example("examples/records"),
            ],
            vec!["-k".to_owned(), example("examples/gitops/cluster")],
        ];
        for namespace in [PROJECT, NAMESPACE, RECORDS_NAMESPACE] {
            if !exists(&["namespace", namespace, "--ignore-not-found"]) {
                created.push(vec!["namespace".to_owned(), namespace.to_owned()]);
            }
        }
        self.created = created;
        Ok(())
    }

    fn start_operator(&mut self) -> Result<()> {
        self.operator = Some(Operator::start(&self.cluster, &self.log, &[])?);
        Ok(())
    }

    /// Restarts the operator.
    pub(crate) fn restart_operator(&mut self) -> Result<()> {
        if let Some(operator) = self.operator.take() {
            operator.stop()?;
        }
        self.start_operator()
    }

    /// Stops everything. After a failure, the operator's log is kept and its path is printed.
    pub(crate) async fn close(mut self, failed: bool) -> Result<()> {
        for arguments in &self.created {
            let mut all = vec!["delete", "--ignore-not-found", "--timeout=60s"];
            all.extend(arguments.iter().map(String::as_str));
            if let Err(error) = self.cluster.kubectl_run(&all) {
                Self::warn(&format!("failed to clean up: {error:#}"));
            }
        }
        let stopped = self.operator.take().map_or(Ok(()), Operator::stop);
        let ended = self.cluster.stop().await;
        if failed {
            Self::warn(&format!("the operator's log is in {}", self.log.display()));
        } else {
            let _ = std::fs::remove_file(&self.log);
        }
        stopped.and(ended)
    }

    fn warn(text: &str) {
        use std::io::Write;
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Runs kubectl, and prints the command and its output.
    pub(crate) fn show(&self, printer: &Printer, arguments: &[&str]) -> Result<String> {
        let output = self.cluster.kubectl_run(arguments)?;
        printer.ran(&format!("kubectl {}", arguments.join(" ")), &output);
        Ok(output)
    }

    /// Applies files of `examples/`, and prints the command and the number of objects.
    pub(crate) fn apply(&self, printer: &Printer, flags: &[&str], path: &str) -> Result<()> {
        let full = repository(path);
        let full = full.to_string_lossy();
        let mut arguments = vec!["apply"];
        arguments.extend(flags);
        arguments.push(&full);
        let output = self.cluster.kubectl_run(&arguments)?;
        printer.ran(
            &format!("kubectl apply {} {path}", flags.join(" ")),
            &format!("objects applied: {}", output.lines().count()),
        );
        Ok(())
    }

    /// Returns an object as JSON, or null if it does not exist.
    pub(crate) async fn get(&self, kind: &str, name: &str) -> Result<Value> {
        let (group, version, plural) = match kind {
            "Pipeline" => ("tekton.dev", "v1", "pipelines"),
            "Workflow" => ("registry.fuseml.io", "v1alpha1", "workflows"),
            "ExtensionProjection" => ("registry.fuseml.io", "v1alpha1", "extensionprojections"),
            "Pod" => ("", "v1", "pods"),
            other => bail!("unknown kind {other}"),
        };
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: if group.is_empty() {
                version.to_owned()
            } else {
                format!("{group}/{version}")
            },
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.cluster.client(), PROJECT, &resource);
        Ok(serde_json::to_value(api.get_opt(name).await?)?)
    }

    /// Waits until a condition holds for an object.
    pub(crate) async fn until(
        &self,
        kind: &str,
        name: &str,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let start = Instant::now();
        loop {
            let object = self.get(kind, name).await?;
            if is(&object) {
                return Ok(object);
            }
            if start.elapsed() > TIMEOUT {
                bail!(
                    "timed out after {} s waiting until {kind} {name} {what}; its status: {:#}",
                    TIMEOUT.as_secs(),
                    object["status"]
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a workflow is ready.
    pub(crate) async fn ready(&self, name: &str) -> Result<Value> {
        self.until("Workflow", name, "is ready", |object| {
            is_observed(object) && condition(object, "Ready")["status"] == "True"
        })
        .await
    }

    /// Waits until a workflow is refused for a reason, and returns the message.
    pub(crate) async fn refused(&self, name: &str, reason: &str) -> Result<String> {
        let object = self
            .until(
                "Workflow",
                name,
                &format!("is refused as {reason}"),
                |object| {
                    let ready = condition(object, "Ready");
                    is_observed(object) && ready["status"] == "False" && ready["reason"] == reason
                },
            )
            .await?;
        condition(&object, "Ready")["message"]
            .as_str()
            .map(str::to_owned)
            .context("the refusal has no message")
    }

    /// Returns the names of the keys of a Secret.
    pub(crate) fn secret_keys(&self, name: &str) -> Result<Vec<String>> {
        let template = "go-template={{range $key, $value := .data}}{{$key}}\n{{end}}";
        let output = self
            .cluster
            .kubectl_run(&["get", "secret", name, "-n", PROJECT, "-o", template])?;
        Ok(output.lines().map(str::to_owned).collect())
    }

    /// Returns whether a Secret exists.
    pub(crate) fn has_secret(&self, name: &str) -> Result<bool> {
        let found = self.cluster.kubectl_run(&[
            "get",
            "secret",
            name,
            "-n",
            PROJECT,
            "--ignore-not-found",
            "-o",
            "name",
        ])?;
        Ok(!found.trim().is_empty())
    }
}

/// Returns whether the status describes the current generation.
fn is_observed(object: &Value) -> bool {
    object["metadata"]["generation"].is_i64()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Returns the condition of a type, or null.
fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    list(&object["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns a text field, or a dash if it is absent.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or("-")
}
