//! Objects from a cluster. Secrets are never asked for: what of them a person may see is not what the
//! operator may.

use std::time::Duration;

use anyhow::{Context, Result};
use extension_registry_api::{GROUP, VERSION};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::args::{Cluster, View};

/// Objects in a page of a list.
const PAGE: u32 = 500;

const KINDS: [(&str, &str); 3] = [
    ("ClusterExtension", "clusterextensions"),
    ("Extension", "extensions"),
    ("Workflow", "workflows"),
];

/// All records and workflows that the caller may list, and the namespace of the context.
pub(super) fn read(cluster: &Cluster, view: &View) -> Result<(Vec<Value>, String)> {
    // Only the first call of a process may install one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start")?;
    runtime.block_on(list(cluster, view))
}

async fn list(cluster: &Cluster, view: &View) -> Result<(Vec<Value>, String)> {
    let config = configuration(cluster).await?;
    let namespace = view
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).context("failed to make a client of the kubeconfig")?;
    let mut objects = Vec::new();
    for (kind, plural) in KINDS {
        objects.extend(all(&client, kind, plural).await?);
    }
    Ok((objects, namespace))
}

/// The configuration of a client, from what was typed.
pub(crate) async fn configuration(cluster: &Cluster) -> Result<Config> {
    let options = KubeConfigOptions {
        context: cluster.context.clone(),
        ..KubeConfigOptions::default()
    };
    let hint = "hint: name a kubeconfig with --kubeconfig, or files with -f";
    let mut config = match &cluster.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path)
                .with_context(|| format!("failed to read {}; {hint}", path.display()))?;
            Config::from_custom_kubeconfig(file, &options).await
        }
        None => Config::from_kubeconfig(&options).await,
    }
    .with_context(|| format!("no cluster to ask; {hint}"))?;
    let timeout = Duration::from_secs(cluster.request_timeout);
    config.connect_timeout = Some(timeout);
    config.read_timeout = Some(timeout);
    Ok(config)
}

async fn all(client: &Client, kind: &str, plural: &str) -> Result<Vec<Value>> {
    let resource = ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
    let mut objects = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = api
            .list(&parameters)
            .await
            .with_context(|| format!("failed to list {plural}"))?;
        for mut object in page.items {
            object.metadata.managed_fields = None;
            let mut object = serde_json::to_value(object)?;
            object["apiVersion"] = resource.api_version.clone().into();
            object["kind"] = kind.into();
            objects.push(object);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(objects),
        }
    }
}
