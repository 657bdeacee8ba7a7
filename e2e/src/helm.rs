//! The program `helm`, built only when a test requires it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::cluster::Cluster;
use crate::tools::{Tool, Tools};

/// Runs helm without a cluster, and returns what it printed.
///
/// # Errors
/// If helm is unavailable or fails, with its output.
pub fn helm(arguments: &[&str]) -> Result<String> {
    // A path without a file, so that no cluster of the user is used.
    run(Path::new("/nonexistent/kubeconfig"), arguments)
}

impl Cluster {
    /// Runs helm on this cluster, and returns what it printed.
    ///
    /// # Errors
    /// If helm is unavailable or fails, with its output.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        run(self.kubeconfig(), arguments)
    }
}

fn run(kubeconfig: &Path, arguments: &[&str]) -> Result<String> {
    let tools = Tools::find(&[Tool::Helm])?;
    let home = cache::folder()?.join("helm");
    let output = Command::new(tools.path(Tool::Helm)?)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        // Ignore plugins and repositories of the user.
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_DATA_HOME", home.join("data"))
        .env_remove("HELM_NAMESPACE")
        .env_remove("HELM_KUBECONTEXT")
        .stdin(Stdio::null())
        .output()
        .context("failed to start helm")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "helm {}: {}\n{printed}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(printed)
}
