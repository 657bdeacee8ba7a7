//! Kubeconfig files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::pki::Identity;

/// Writes a kubeconfig that names one cluster and one user. It refers to the certificates by their paths.
pub(crate) fn write(
    path: &Path,
    server: &str,
    authority: &Identity,
    user: &Identity,
) -> Result<()> {
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {
            "server": server,
            "certificate-authority": authority.certificate,
        }}],
        "users": [{"name": "local", "user": {
            "client-certificate": user.certificate,
            "client-key": user.key,
        }}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        "current-context": "local",
    });
    fs::write(path, format!("{text:#}\n"))
        .with_context(|| format!("failed to write {}", path.display()))
}

/// Returns the client configuration of the current context of a kubeconfig.
pub(crate) async fn config(path: &Path) -> Result<Config> {
    let file = Kubeconfig::read_from(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("failed to use {}", path.display()))
}
