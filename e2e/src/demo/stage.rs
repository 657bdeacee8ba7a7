//! Where the story takes place: a cluster, the operator, and what has to be removed afterwards.

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

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster with the operator in it.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    operator: Option<Operator>,
    log: PathBuf,
    /// What was made in a cluster that is not ours, as arguments of `kubectl delete`.
    made: Vec<Vec<String>>,
}

impl Stage {
    /// Starts everything. When this fails, nothing is left running.
    pub(crate) async fn open(printer: &mut Printer) -> Result<Self> {
        printer.chapter("A Kubernetes on this machine, and the operator");
        let begin = Instant::now();
        let cluster = Cluster::from_environment_or_start(Options::default()).await?;
        let version = cluster.client().apiserver_version().await?.git_version;
        let origin = if cluster.is_ours() {
            "started"
        } else {
            "given"
        };
        let log = std::env::temp_dir().join(format!(
            "extension-registry-demo-{}.log",
            std::process::id()
        ));
        let mut stage = Self {
            cluster,
            operator: None,
            log,
            made: Vec::new(),
        };
        stage.make_room()?;
        stage.cluster.install()?;
        stage.start_operator()?;
        printer.checked(&format!(
            "Kubernetes {version} ({origin}) and the operator are ready after {:.1} s",
            begin.elapsed().as_secs_f64()
        ));
        if let Some(why) = stage.cluster.node_missing() {
            printer.skipped(&format!(
                "there is no node, so no container will run: {why}"
            ));
        }
        Ok(stage)
    }

    /// In a cluster that is not ours: refuses to touch what is there, and notes what will be new.
    fn make_room(&mut self) -> Result<()> {
        if self.cluster.is_ours() {
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
            "the given cluster has a namespace `{PROJECT}` already, and the demo would change it"
        );
        ensure!(
            !exists(&["clusterextensions.registry.fuseml.io", "-o", "name"]),
            "the given cluster has ClusterExtensions already, and the demo would change how they resolve"
        );
        let example = |path: &str| repository(path).to_string_lossy().into_owned();
        // By name: a record that somebody else adds meanwhile is not the demo's.
        let mut made = vec![
            vec![
                "-R".to_owned(),
                "-f".to_owned(),
                example("examples/records"),
            ],
            vec!["-k".to_owned(), example("examples/gitops/cluster")],
        ];
        for namespace in [PROJECT, NAMESPACE, RECORDS_NAMESPACE] {
            if !exists(&["namespace", namespace, "--ignore-not-found"]) {
                made.push(vec!["namespace".to_owned(), namespace.to_owned()]);
            }
        }
        self.made = made;
        Ok(())
    }

    fn start_operator(&mut self) -> Result<()> {
        self.operator = Some(Operator::start(&self.cluster, &self.log, &[])?);
        Ok(())
    }

    /// Ends the operator and starts it again.
    pub(crate) fn restart_operator(&mut self) -> Result<()> {
        if let Some(operator) = self.operator.take() {
            operator.stop()?;
        }
        self.start_operator()
    }

    /// Ends everything. After a failure the operator's log is kept and named.
    pub(crate) async fn close(mut self, failed: bool) -> Result<()> {
        for arguments in &self.made {
            let mut all = vec!["delete", "--ignore-not-found", "--timeout=60s"];
            all.extend(arguments.iter().map(String::as_str));
            if let Err(error) = self.cluster.kubectl_run(&all) {
                Self::complain(&format!("failed to clean up: {error:#}"));
            }
        }
        let stopped = self.operator.take().map_or(Ok(()), Operator::stop);
        let ended = self.cluster.stop().await;
        if failed {
            Self::complain(&format!("the operator's log is in {}", self.log.display()));
        } else {
            let _ = std::fs::remove_file(&self.log);
        }
        stopped.and(ended)
    }

    fn complain(text: &str) {
        use std::io::Write;
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Runs kubectl for the reader to see.
    pub(crate) fn show(&self, printer: &Printer, arguments: &[&str]) -> Result<String> {
        let output = self.cluster.kubectl_run(arguments)?;
        printer.ran(&format!("kubectl {}", arguments.join(" ")), &output);
        Ok(output)
    }

    /// Applies files of `examples/`: the line as somebody would type it, and how much it applied.
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

    /// An object as JSON; null where there is none.
    pub(crate) async fn get(&self, kind: &str, name: &str) -> Result<Value> {
        let (group, version, plural) = match kind {
            "Pipeline" => ("tekton.dev", "v1", "pipelines"),
            "Workflow" => ("registry.fuseml.io", "v1alpha1", "workflows"),
            "ExtensionProjection" => ("registry.fuseml.io", "v1alpha1", "extensionprojections"),
            "Pod" => ("", "v1", "pods"),
            other => bail!("the demo knows no kind {other}"),
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

    /// Waits until an object is as told.
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
            if start.elapsed() > PATIENCE {
                bail!(
                    "waited {} s in vain until {kind} {name} {what}; its status: {:#}",
                    PATIENCE.as_secs(),
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

    /// Waits until a workflow is refused for a reason, and gives the explanation.
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

    /// Names of the keys of a Secret; its values stay in the API server's answer to kubectl.
    pub(crate) fn secret_keys(&self, name: &str) -> Result<Vec<String>> {
        let template = "go-template={{range $key, $value := .data}}{{$key}}\n{{end}}";
        let output = self
            .cluster
            .kubectl_run(&["get", "secret", name, "-n", PROJECT, "-o", template])?;
        Ok(output.lines().map(str::to_owned).collect())
    }

    /// Whether a Secret is there.
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

/// Whether the status speaks of the present spec.
fn is_observed(object: &Value) -> bool {
    object["metadata"]["generation"].is_i64()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// A condition of an object; null where there is none of that type.
fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    list(&object["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text field; a dash where there is none.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or("-")
}
