//! Error messages for unreachable servers and invalid kubeconfigs.

use std::error::Error;
use std::path::Path;

use anyhow::anyhow;
use extension_registry_core::lookalike;
use kube::config::{Kubeconfig, KubeconfigError};

use super::configuration;
use crate::args::Cluster;

const HINT: &str = "hint: check the current kubeconfig context";

/// Adds the address and the context to an error if the server is unreachable.
pub(super) async fn describe(error: anyhow::Error, cluster: &Cluster) -> anyhow::Error {
    let is_unreachable = |cause: &&(dyn Error + 'static)| {
        matches!(
            cause.downcast_ref(),
            Some(kube::Error::Service(_) | kube::Error::HyperError(_))
        )
    };
    let Some(cause) = error.chain().find(is_unreachable) else {
        return error;
    };
    let message = format!("{}; {HINT}", message(cluster, cause).await);
    let before = error
        .chain()
        .take_while(|cause| !is_unreachable(cause))
        .map(ToString::to_string);
    let before: Vec<String> = before.collect();
    before
        .into_iter()
        .rev()
        .fold(anyhow!(message), anyhow::Error::context)
}

/// Formats the address of an unreachable server and the cause.
pub(crate) async fn message(cluster: &Cluster, error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{} is unreachable: {cause}", server(cluster).await)
}

/// Formats the address and the context: `https://host:6443 (context `dev`)`.
async fn server(cluster: &Cluster) -> String {
    let address = configuration(cluster, "").await.ok();
    let address = address.map_or_else(
        || "the cluster".to_owned(),
        |config| {
            let url = config.cluster_url.to_string();
            lookalike::without_credentials(url.trim_end_matches('/'))
        },
    );
    let current = || {
        let file = match &cluster.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        file.ok()?.current_context
    };
    match cluster.context.clone().or_else(current) {
        Some(context) => format!("{address} (context `{context}`)"),
        None => address,
    }
}

/// Formats a kubeconfig error in one line.
pub(super) fn kubeconfig(error: KubeconfigError, path: Option<&Path>) -> anyhow::Error {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            anyhow!("failed to read {}: {error}", path.display())
        }
        KubeconfigError::LoadContext(name) => {
            anyhow!("context `{name}` not found in the kubeconfig")
        }
        KubeconfigError::Parse(error) => {
            // The following lines quote the file, which may contain a token.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let why = first.trim_start_matches("error: ");
            let file = path.map_or_else(
                || "the kubeconfig".to_owned(),
                |path| path.display().to_string(),
            );
            anyhow!("failed to parse {file}: {why}")
        }
        error => error.into(),
    }
}
