//! Reads objects from a cluster. Secrets are never read: the permissions of the user differ from those of the
//! operator.

pub(crate) mod unreachable;

use anyhow::{Context, Result};
use extension_registry_api::{GROUP, VERSION};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::args::{Cluster, Source, View};
use crate::inventory::ReadOptions;
use crate::output::{self, Spinner};

/// Page size of lists.
const PAGE: u32 = 500;

/// Reads the selected kinds, and returns the namespace too.
pub(super) fn read(source: &Source, options: ReadOptions) -> Result<(Vec<Value>, String)> {
    request(
        "querying the cluster",
        &source.cluster,
        list(source, options),
    )
}

/// Runs requests to a cluster with a spinner. If the server is unreachable, the error contains its address.
pub(crate) fn request<T>(
    what: &'static str,
    cluster: &Cluster,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    block_on(what, async {
        match work.await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(unreachable::describe(error, cluster).await),
        }
    })
}

/// Runs requests to any server with a spinner.
pub(crate) fn block_on<T>(what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let _spinner = Spinner::start(what);
    runtime()?.block_on(work)
}

/// Creates the runtime for requests, with TLS.
pub(crate) fn runtime() -> Result<Runtime> {
    // Only the first call of a process succeeds.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")
}

/// Connects to the API of the records of a project, or of cluster-scoped records.
pub(crate) async fn record_api(
    cluster: &Cluster,
    project: Option<&str>,
) -> Result<Api<DynamicObject>> {
    let (client, _) = connect(cluster).await?;
    Ok(records_of(&client, project))
}

/// Returns the API of the records of a project, or of cluster-scoped records.
pub(crate) fn records_of(client: &Client, project: Option<&str>) -> Api<DynamicObject> {
    match project {
        Some(project) => api(client, "Extension", "extensions", Some(project)),
        None => api(client, "ClusterExtension", "clusterextensions", None),
    }
}

async fn list(source: &Source, options: ReadOptions) -> Result<(Vec<Value>, String)> {
    let view = &source.view;
    let (client, default_namespace) = connect_or(&source.cluster, source.flag).await?;
    let namespace = view.namespace.clone().unwrap_or(default_namespace);
    let mut objects = Vec::new();
    if options.records {
        let api = api(&client, "ClusterExtension", "clusterextensions", None);
        objects.extend(all(&api, "ClusterExtension").await.map_err(explain)?);
        let records = list_namespaced(
            &client,
            "Extension",
            "extensions",
            &namespace,
            view,
            options,
        );
        objects.extend(records.await?);
    }
    if options.workflows {
        let workflows =
            list_namespaced(&client, "Workflow", "workflows", &namespace, view, options);
        objects.extend(workflows.await?);
    }
    Ok((objects, namespace))
}

/// Lists the objects of a namespace, or of all.
async fn list_namespaced(
    client: &Client,
    kind: &str,
    plural: &str,
    namespace: &str,
    view: &View,
    options: ReadOptions,
) -> Result<Vec<Value>> {
    let is_wide = view.all_namespaces || (options.all_namespaces && view.namespace.is_none());
    let own = api(client, kind, plural, Some(namespace));
    if !is_wide {
        return all(&own, kind).await.map_err(explain);
    }
    match all(&api(client, kind, plural, None), kind).await {
        // All namespaces were not requested explicitly: fall back to one.
        Err(kube::Error::Api(status)) if status.code == 403 && !view.all_namespaces => {
            output::note(&format!(
                "not allowed to list {plural} of all namespaces; using namespace `{namespace}` only"
            ))?;
            all(&own, kind).await.map_err(explain)
        }
        result => result.map_err(explain),
    }
}

fn explain(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) if status.code == 403 => anyhow::anyhow!(
            "{}; hint: ask a cluster administrator to grant you the ClusterRole extension-registry-view, or pass one of your namespaces with -n",
            status.message
        ),
        kube::Error::Api(status) if status.code == 404 => {
            anyhow::anyhow!(
                "the Extension Registry is not installed ({GROUP}/{VERSION} not found); hint: run `kubectl ext doctor`"
            )
        }
        error => anyhow::Error::new(error).context("failed to query the cluster"),
    }
}

/// Creates a client, and returns the namespace of its context.
pub(crate) async fn connect(cluster: &Cluster) -> Result<(Client, String)> {
    connect_or(cluster, "").await
}

/// Creates a client; errors suggest the flag for files as an alternative.
async fn connect_or(cluster: &Cluster, flag: &str) -> Result<(Client, String)> {
    let config = configuration(cluster, flag).await?;
    let namespace = config.default_namespace.clone();
    let client =
        Client::try_from(config).context("failed to create a client from the kubeconfig")?;
    Ok((client, namespace))
}

/// Checks that the cluster is reachable, before the user is prompted for values.
pub(crate) async fn answers(cluster: &Cluster) -> Result<()> {
    let (client, _) = connect(cluster).await?;
    match client.apiserver_version().await {
        Ok(_) => Ok(()),
        // Permissions are checked by the actual request, except for invalid credentials.
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
        "" => "hint: pass a kubeconfig with --kubeconfig".to_owned(),
        flag => format!("hint: pass a kubeconfig with --kubeconfig, or files with {flag}"),
    };
    let path = cluster.kubeconfig.as_deref();
    let found = match path.map(Kubeconfig::read_from).transpose() {
        Ok(Some(file)) => Config::from_custom_kubeconfig(file, &options).await,
        Ok(None) => Config::from_kubeconfig(&options).await,
        Err(error) => Err(error),
    };
    let mut config = found
        .map_err(|error| unreachable::kubeconfig(error, path))
        .with_context(|| format!("cannot connect to a cluster; {hint}"))?;
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
