//! Says of a server that does not answer which it was, and why, without the names that libraries have for it.

use std::error::Error;
use std::path::Path;

use anyhow::anyhow;
use extension_registry_core::lookalike;
use kube::config::{Kubeconfig, KubeconfigError};

use super::configuration;
use crate::args::Cluster;

const HINT: &str = "hint: is the context of the kubeconfig the right one?";

/// The same error; where a server did not answer, with its address and the context that leads there.
pub(super) async fn named(error: anyhow::Error, cluster: &Cluster) -> anyhow::Error {
    let is_silence = |cause: &&(dyn Error + 'static)| {
        matches!(
            cause.downcast_ref(),
            Some(kube::Error::Service(_) | kube::Error::HyperError(_))
        )
    };
    let Some(silence) = error.chain().find(is_silence) else {
        return error;
    };
    let said = format!("{}; {HINT}", text(cluster, silence).await);
    let before = error
        .chain()
        .take_while(|cause| !is_silence(cause))
        .map(ToString::to_string);
    let before: Vec<String> = before.collect();
    before
        .into_iter()
        .rev()
        .fold(anyhow!(said), anyhow::Error::context)
}

/// Which server does not answer, and why.
pub(crate) async fn text(cluster: &Cluster, error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{} does not answer: {cause}", server(cluster).await)
}

/// `https://host:6443 (context `dev`)`.
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

/// What is wrong with a kubeconfig, in one line, with its path where it was named.
pub(super) fn kubeconfig(error: KubeconfigError, path: Option<&Path>) -> anyhow::Error {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            anyhow!("failed to read {}: {error}", path.display())
        }
        KubeconfigError::LoadContext(name) => anyhow!("the kubeconfig has no context `{name}`"),
        KubeconfigError::Parse(error) => {
            // The lines below show a part of the file, which may be a token.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let why = first.trim_start_matches("error: ");
            let file = path.map_or_else(
                || "the kubeconfig".to_owned(),
                |path| path.display().to_string(),
            );
            anyhow!("{file} cannot be read: {why}")
        }
        error => error.into(),
    }
}
