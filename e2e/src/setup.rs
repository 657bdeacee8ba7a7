//! What a cluster needs before the operator can run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;

/// Namespace of the operator.
pub const NAMESPACE: &str = "extension-registry";

/// Namespace of the source Secrets of cluster records.
pub const RECORDS_NAMESPACE: &str = "extension-registry-records";

/// A path in the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs a program with a text on its standard input.
///
/// # Errors
/// When it cannot be started.
pub fn with_input(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may end before it has read everything; its own message then says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

impl Cluster {
    /// Runs kubectl, gives it `input`, and returns what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
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

    /// Runs kubectl and returns what it printed.
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

    /// Installs the definitions and the two namespaces of the operator; where the cluster does not
    /// know Tekton's pipelines, a definition that can hold them but runs nothing.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn install(&self) -> Result<()> {
        let crds = repository("crds");
        self.kubectl_run(&["apply", "--server-side", "-f", &crds.to_string_lossy()])?;
        self.install_engine()?;
        for namespace in [NAMESPACE, RECORDS_NAMESPACE] {
            self.create_namespace(namespace)?;
        }
        self.wait_for_definitions()
    }

    /// Installs a definition that can hold Tekton's pipelines, where the cluster does not know them.
    ///
    /// # Errors
    /// When the API server refuses.
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

    /// Whether the cluster has the engine itself, and not only the definitions of
    /// [`Cluster::install_engine`].
    #[must_use]
    pub fn has_engine(&self) -> bool {
        // A definition that only the engine has.
        self.kubectl_run(&["get", "crd", "verificationpolicies.tekton.dev"])
            .is_ok()
    }

    pub(crate) fn wait_for_definitions(&self) -> Result<()> {
        self.kubectl_run(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=30s",
        ])?;
        Ok(())
    }

    /// Creates a namespace, if it is not there.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn create_namespace(&self, name: &str) -> Result<()> {
        self.apply(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n"
        ))
        .map(|_| ())
    }
}
