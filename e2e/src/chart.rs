//! The chart of this repository, installed into a cluster.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::setup::{NAMESPACE, RECORDS_NAMESPACE, repository};

/// Name of the release, and with it of most objects of the chart.
pub const RELEASE: &str = "extension-registry";

/// Names of the webhooks in each of its two configurations, sorted.
pub const WEBHOOKS: [&str; 3] = ["bindings", "records", "workflows"];

/// Values for an operator that serves no webhook.
pub const WITHOUT_WEBHOOK: &[(&str, &str)] = &[("webhook.enabled", "false")];

/// Folder of the chart.
#[must_use]
pub fn folder() -> PathBuf {
    repository("charts/extension-registry")
}

/// Returns permission errors in a log of the operator. Missing permissions may not cause other failures. Errors about
/// Secrets of projects are excluded: projects grant access to them.
#[must_use]
pub fn permission_errors(log: &str) -> Vec<&str> {
    let is_of_project = |line: &str| {
        line.contains("secrets")
            && [" cannot get ", " cannot list ", " cannot watch "]
                .iter()
                .any(|verb| line.contains(verb))
            && !line.contains(RECORDS_NAMESPACE)
    };
    log.lines()
        .filter(|line| line.contains(" cannot ") && !is_of_project(line))
        .collect()
}

impl Cluster {
    /// Installs or upgrades the chart without replicas, for an operator that runs outside of the cluster.
    /// Without Tekton, also installs minimal CRDs of Tekton Pipelines. Skips hooks, because the cluster may
    /// have no node.
    ///
    /// # Errors
    /// If helm or the API server fails.
    pub fn install_chart(&self, values: &[(&str, &str)]) -> Result<()> {
        // helm rejects concurrent upgrades of a release, and tests may share an existing cluster.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = vec![
            ("replicas", "0"),
            ("recordsNamespace.name", RECORDS_NAMESPACE),
        ];
        all.extend(values);
        self.helm_upgrade(&folder(), &all, &["--no-hooks"])?;
        self.install_engine()?;
        self.wait_for_definitions()?;
        self.wait_for_stamps()
    }

    /// Waits until the API server stamps runs, if the chart has installed that policy. The API server rejects objects
    /// of a new CRD until the evaluator of mutating policies has fetched its schema, which it does every five seconds.
    fn wait_for_stamps(&self) -> Result<()> {
        const LIMIT: Duration = Duration::from_mins(1);
        let kind = "mutatingadmissionpolicies.admissionregistration.k8s.io";
        // Old API servers do not have the kind.
        let policies = self.kubectl_run(&["get", kind, "-o", "name"]);
        if !policies.is_ok_and(|names| names.contains("run-by")) {
            return Ok(());
        }
        let run = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"namespace": "default", "name": "stamp"},
            "spec": {"pipelineRef": {"name": "stamp"}},
        })
        .to_string();
        let create = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
        let start = Instant::now();
        loop {
            let outcome = self.kubectl_with(&create, &run);
            match outcome {
                Ok(stamped) if stamped.contains("registry.fuseml.io/run-by") => return Ok(()),
                other if start.elapsed() > LIMIT => {
                    bail!("the API server does not stamp runs: {other:?}")
                }
                _ => thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    /// Installs or upgrades the release from a chart, which is a folder or a package.
    ///
    /// # Errors
    /// If helm or the API server fails.
    pub fn helm_upgrade(
        &self,
        chart: &Path,
        values: &[(&str, &str)],
        options: &[&str],
    ) -> Result<String> {
        let chart = chart.to_string_lossy();
        let settings: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec![
            "upgrade",
            "--install",
            RELEASE,
            &*chart,
            "--namespace",
            NAMESPACE,
            "--create-namespace",
            // An existing cluster may have some of the objects, applied with kubectl.
            "--take-ownership",
            "--force-conflicts",
        ];
        for setting in &settings {
            arguments.extend(["--set", setting]);
        }
        arguments.extend(options);
        self.helm(&arguments)
    }

    /// Writes a kubeconfig with a fresh token of a service account. The token is valid for one day.
    ///
    /// # Errors
    /// If the account does not exist, or the file cannot be written.
    pub fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> Result<PathBuf> {
        let token = self.kubectl_run(&[
            "create",
            "token",
            "--duration=24h",
            "-n",
            namespace,
            service_account,
        ])?;
        let own = self.kubectl_run(&[
            "config",
            "view",
            "--minify",
            "--raw",
            "--flatten",
            "-o",
            "json",
        ])?;
        let mut config: Value =
            serde_json::from_str(&own).context("failed to parse the kubeconfig")?;
        let user = config["contexts"][0]["context"]["user"].clone();
        config["users"] = json!([{"name": user, "user": {"token": token.trim()}}]);
        let folder = self
            .folder()
            .map_or_else(std::env::temp_dir, Path::to_owned);
        let name = format!("{namespace}-{service_account}-{}.kubeconfig", process::id());
        let path = folder.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("failed to create {}", path.display()))?;
        writeln!(file, "{config:#}")
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }

    /// Grants the operator of the chart access to a Secret of a project, as projects do.
    ///
    /// # Errors
    /// If the API server fails.
    pub fn grant_source(&self, namespace: &str, secret: &str) -> Result<()> {
        let metadata =
            json!({"namespace": namespace, "name": format!("extension-registry-{secret}")});
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": [{
                "apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret],
                "verbs": ["get", "list", "watch"],
            }],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"],
            },
            "subjects": [{"kind": "ServiceAccount", "name": RELEASE, "namespace": NAMESPACE}],
        });
        self.apply(&format!("{role}\n---\n{binding}\n")).map(drop)
    }
}
