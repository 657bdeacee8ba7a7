//! Prerequisites of the operator in a cluster.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;

/// Namespace of the operator.
pub const NAMESPACE: &str = "extension-registry";

/// Namespace of the Secrets that cluster-scoped records refer to.
pub const RECORDS_NAMESPACE: &str = "extension-registry-records";

/// Returns a path in the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs a program with a text on its standard input.
///
/// # Errors
/// If it cannot be started.
pub fn with_input(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may exit before it has read everything; its output then explains why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

impl Cluster {
    /// Runs kubectl with `input` on standard input, and returns its output.
    ///
    /// # Errors
    /// If it fails, with its output.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(self.kubectl());
        command.args(arguments).env("KUBECONFIG", self.kubeconfig());
        let output = with_input(&mut command, input).context("failed to run kubectl")?;
        if !output.status.success() {
            bail!(
                "kubectl {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs kubectl and returns its output.
    ///
    /// # Errors
    /// As [`Cluster::kubectl_with`].
    pub fn kubectl_run(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_with(arguments, "")
    }

    /// Applies the text of a manifest.
    ///
    /// # Errors
    /// As [`Cluster::kubectl_with`].
    pub fn apply(&self, manifest: &str) -> Result<String> {
        self.kubectl_with(&["apply", "-f", "-"], manifest)
    }

    /// Installs the CRDs and the two namespaces of the operator; without Tekton, also minimal CRDs of Tekton Pipelines.
    ///
    /// # Errors
    /// If the API server fails.
    pub fn install(&self) -> Result<()> {
        let crds = repository("crds");
        self.kubectl_run(&["apply", "--server-side", "-f", &crds.to_string_lossy()])?;
        self.install_engine()?;
        for namespace in [NAMESPACE, RECORDS_NAMESPACE] {
            self.create_namespace(namespace)?;
        }
        self.wait_for_definitions()
    }

    /// Installs minimal CRDs of Tekton Pipelines, if Tekton is not installed.
    ///
    /// # Errors
    /// If the API server fails.
    pub fn install_engine(&self) -> Result<()> {
        if self
            .kubectl_run(&["get", "crd", "pipelines.tekton.dev"])
            .is_err()
        {
            let tekton = repository("e2e/manifests/tekton-crds.yaml");
            self.kubectl_run(&["apply", "--server-side", "-f", &tekton.to_string_lossy()])?;
        }
        Ok(())
    }

    /// Returns whether Tekton itself is installed, and not only the CRDs of [`Cluster::install_engine`].
    #[must_use]
    pub fn has_engine(&self) -> bool {
        // A CRD that only Tekton itself installs.
        self.kubectl_run(&["get", "crd", "verificationpolicies.tekton.dev"])
            .is_ok()
    }

    pub(crate) fn wait_for_definitions(&self) -> Result<()> {
        self.kubectl_run(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=120s",
        ])?;
        Ok(())
    }

    /// Creates a namespace, if it does not exist.
    ///
    /// # Errors
    /// If the API server fails.
    pub fn create_namespace(&self, name: &str) -> Result<()> {
        self.apply(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n"
        ))
        .map(|_| ())
    }
}
