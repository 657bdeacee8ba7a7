//! Objects from a cluster. Secrets are never asked for: what of them a person may see is not what the
//! operator may.

pub(crate) mod unanswered;

use anyhow::{Context, Result};
use extension_registry_api::{GROUP, VERSION};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::args::{Cluster, Source, View};
use crate::output::{self, Spinner};
use crate::world::Wanted;

/// Objects in a page of a list.
const PAGE: u32 = 500;

/// All that is wanted and that the caller may list, and the namespace that was looked at.
pub(super) fn read(source: &Source, wanted: Wanted) -> Result<(Vec<Value>, String)> {
    ask("asking the cluster", &source.cluster, list(source, wanted))
}

/// Runs what waits for a cluster, and shows meanwhile what it does. A server that does not answer is named.
pub(crate) fn ask<T>(
    what: &'static str,
    cluster: &Cluster,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    block_on(what, async {
        match work.await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(unanswered::named(error, cluster).await),
        }
    })
}

/// Runs what waits for any server, and shows meanwhile what it does.
pub(crate) fn block_on<T>(what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let _spinner = Spinner::start(what);
    runtime()?.block_on(work)
}

/// What waits for servers, with TLS.
pub(crate) fn runtime() -> Result<Runtime> {
    // Only the first call of a process may install one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start")
}

/// The records of a project, or those of the cluster.
pub(crate) async fn record_api(
    cluster: &Cluster,
    project: Option<&str>,
) -> Result<Api<DynamicObject>> {
    let (client, _) = connect(cluster).await?;
    Ok(records_of(&client, project))
}

/// The same, with a client that is there.
pub(crate) fn records_of(client: &Client, project: Option<&str>) -> Api<DynamicObject> {
    match project {
        Some(project) => api(client, "Extension", "extensions", Some(project)),
        None => api(client, "ClusterExtension", "clusterextensions", None),
    }
}

async fn list(source: &Source, wanted: Wanted) -> Result<(Vec<Value>, String)> {
    let view = &source.view;
    let (client, default_namespace) = connect_or(&source.cluster, source.flag).await?;
    let namespace = view.namespace.clone().unwrap_or(default_namespace);
    let mut objects = Vec::new();
    if wanted.records {
        let api = api(&client, "ClusterExtension", "clusterextensions", None);
        objects.extend(all(&api, "ClusterExtension").await.map_err(explain)?);
        let records = near(&client, "Extension", "extensions", &namespace, view, wanted);
        objects.extend(records.await?);
    }
    if wanted.workflows {
        let workflows = near(&client, "Workflow", "workflows", &namespace, view, wanted);
        objects.extend(workflows.await?);
    }
    Ok((objects, namespace))
}

/// The objects of a namespace, or of all.
async fn near(
    client: &Client,
    kind: &str,
    plural: &str,
    namespace: &str,
    view: &View,
    wanted: Wanted,
) -> Result<Vec<Value>> {
    let is_wide = view.all_namespaces || (wanted.everywhere && view.namespace.is_none());
    let own = api(client, kind, plural, Some(namespace));
    if !is_wide {
        return all(&own, kind).await.map_err(explain);
    }
    match all(&api(client, kind, plural, None), kind).await {
        // Who may not look at all was not asked to: then what is near has to do.
        Err(kube::Error::Api(status)) if status.code == 403 && !view.all_namespaces => {
            output::say(&format!(
                "note: you may list {plural} of namespace `{namespace}` only"
            ))?;
            all(&own, kind).await.map_err(explain)
        }
        result => result.map_err(explain),
    }
}

fn explain(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) if status.code == 403 => anyhow::anyhow!(
            "{}; hint: ask for ClusterRole extension-registry-view, or name a namespace of yours with -n",
            status.message
        ),
        kube::Error::Api(status) if status.code == 404 => {
            anyhow::anyhow!("the cluster does not know {GROUP}/{VERSION}; hint: kubectl ext doctor")
        }
        error => anyhow::Error::new(error).context("failed to ask the cluster"),
    }
}

/// A client, and the namespace of its context.
pub(crate) async fn connect(cluster: &Cluster) -> Result<(Client, String)> {
    connect_or(cluster, "").await
}

/// The same, where a flag names files that would do instead.
async fn connect_or(cluster: &Cluster, flag: &str) -> Result<(Client, String)> {
    let config = configuration(cluster, flag).await?;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).context("failed to make a client of the kubeconfig")?;
    Ok((client, namespace))
}

/// Whether there is a cluster that answers, whatever it answers. For those who have to ask a person first.
pub(crate) async fn answers(cluster: &Cluster) -> Result<()> {
    let (client, _) = connect(cluster).await?;
    match client.apiserver_version().await {
        Ok(_) => Ok(()),
        // What the caller may do is seen when it is done; who is not known may do nothing.
        Err(kube::Error::Api(status)) if status.code != 401 => Ok(()),
        Err(error) => Err(explain(error)),
    }
}

async fn configuration(cluster: &Cluster, flag: &str) -> Result<Config> {
    let options = KubeConfigOptions {
        context: cluster.context.clone(),
        ..KubeConfigOptions::default()
    };
    let hint = match flag {
        "" => "hint: name a kubeconfig with --kubeconfig".to_owned(),
        flag => format!("hint: name a kubeconfig with --kubeconfig, or files with {flag}"),
    };
    let path = cluster.kubeconfig.as_deref();
    let found = match path.map(Kubeconfig::read_from).transpose() {
        Ok(Some(file)) => Config::from_custom_kubeconfig(file, &options).await,
        Ok(None) => Config::from_kubeconfig(&options).await,
        Err(error) => Err(error),
    };
    let mut config = found
        .map_err(|error| unanswered::kubeconfig(error, path))
        .with_context(|| format!("no cluster to ask; {hint}"))?;
    let limit = Some(cluster.request_timeout).filter(|time| !time.is_zero());
    config.connect_timeout = limit;
    config.read_timeout = limit;
    if let Some(user) = &cluster.identity.user {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(cluster.identity.groups.clone());
    }
    Ok(config)
}

fn api(client: &Client, kind: &str, plural: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn all(api: &Api<DynamicObject>, kind: &str) -> Result<Vec<Value>, kube::Error> {
    let mut objects = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&parameters).await?;
        for mut object in page.items {
            object.metadata.managed_fields = None;
            let mut object = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
            object["apiVersion"] = format!("{GROUP}/{VERSION}").into();
            object["kind"] = kind.into();
            objects.push(object);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(objects),
        }
    }
}
