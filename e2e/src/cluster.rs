//! A cluster for tests: an existing one, or one that is started and stopped.

mod options;
mod running;
mod start;

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1 as core;
use kube::{Api, Client, Config};
use tokio::task::spawn_blocking;

use crate::image::{self, Image};
use crate::kubeconfig;
use crate::node::Containerd;
use crate::process;
use crate::state::State;
use crate::watchdog;
pub use options::{Node, Options};
use running::Running;

/// The variable that names the kubeconfig of an existing cluster to use.
pub const KUBECONFIG_VARIABLE: &str = "EXTENSION_REGISTRY_KUBECONFIG";

/// A Kubernetes cluster that answers, and whose node, if any, is ready.
///
/// A cluster that this process started ends with [`Cluster::stop`], when dropped, and when the process ends in any way.
pub struct Cluster {
    client: Client,
    config: Config,
    kubeconfig: PathBuf,
    /// Known of every cluster that this harness started, in this process or in another.
    state: Option<State>,
    node_missing: Option<String>,
    services_missing: Option<String>,
    /// Present where this process has to end the cluster.
    running: Option<Running>,
}

impl Cluster {
    /// Starts a cluster and waits until it can be used. Builds the programs it needs, the first time.
    ///
    /// # Errors
    ///
    /// When a program cannot be had or does not start, or when the machine lacks what a required node needs.
    /// Nothing is left running then.
    pub async fn start(options: Options) -> Result<Self> {
        start::start(options).await
    }

    /// Uses the cluster of the kubeconfig that `EXTENSION_REGISTRY_KUBECONFIG` names, else starts one.
    ///
    /// # Errors
    ///
    /// When the given cluster does not answer, or one cannot be started.
    pub async fn from_environment_or_start(options: Options) -> Result<Self> {
        match env::var_os(KUBECONFIG_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::existing(Path::new(&path)).await,
            None => Self::start(options).await,
        }
    }

    /// Uses the cluster of this kubeconfig. It is not ended.
    ///
    /// # Errors
    ///
    /// When the cluster does not answer.
    pub async fn existing(kubeconfig: &Path) -> Result<Self> {
        let state = State::read(&State::beside(kubeconfig))?;
        let mut cluster = Self::connect(kubeconfig.to_owned(), state, None).await?;
        let nodes = Api::<core::Node>::all(cluster.client());
        let nodes = nodes
            .list(&kube::api::ListParams::default())
            .await
            .context("the existing cluster is unreachable")?;
        if cluster.state.is_none() && !nodes.items.iter().any(is_ready) {
            cluster.node_missing = Some("the existing cluster has no ready node".to_owned());
        }
        Ok(cluster)
    }

    async fn connect(
        kubeconfig: PathBuf,
        state: Option<State>,
        running: Option<Running>,
    ) -> Result<Self> {
        let config = kubeconfig::config(&kubeconfig).await?;
        let client = Client::try_from(config.clone()).context("failed to create a client")?;
        let node_missing = state.as_ref().and_then(|state| state.node_missing.clone());
        let services_missing = state
            .as_ref()
            .and_then(|state| state.services_missing.clone());
        Ok(Self {
            client,
            config,
            kubeconfig,
            state,
            node_missing,
            services_missing,
            running,
        })
    }

    /// Ends the cluster and waits until nothing of it is left. A cluster that was given stays as it is.
    ///
    /// # Errors
    ///
    /// When something is left.
    pub async fn stop(mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        spawn_blocking(move || running.end())
            .await
            .context("failed to stop the cluster")?
    }

    /// Leaves a cluster that this process started running for good.
    pub(crate) fn keep(mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), Running::keep)
    }

    /// A client with an administrator's rights.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The configuration of an administrator's client, to make others from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The file to give to other programs as `KUBECONFIG`.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The program `kubectl`, of the cluster's own version where this harness started it.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.state
            .as_ref()
            .map_or_else(|| PathBuf::from("kubectl"), |state| state.kubectl.clone())
    }

    /// Whether this process started the cluster and will end it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.running.is_some()
    }

    /// Returns why Pods do not run; None if they do.
    #[must_use]
    pub fn node_missing(&self) -> Option<&str> {
        self.node_missing.as_deref()
    }

    /// Returns why Services are unreachable; None if they are reachable, as is assumed of an existing cluster.
    #[must_use]
    pub fn services_missing(&self) -> Option<&str> {
        self.services_missing.as_deref().or(self.node_missing())
    }

    /// The folder with all data of a cluster that this harness started; the logs are in its subfolder `logs`.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.state.as_ref().map(|state| state.folder.as_path())
    }

    /// Returns the processor time that the API server has used, in seconds; Linux only.
    ///
    /// # Errors
    ///
    /// When this harness did not start the cluster, or the API server does not run.
    pub fn api_server_seconds(&self) -> Result<f64> {
        let folder = self
            .folder()
            .context("the cluster was not started by this harness")?;
        let processes = watchdog::list(folder)?;
        let pid = processes
            .iter()
            .find_map(|line| line.strip_prefix("kube-apiserver "))
            .context("the API server is not running")?;
        process::processor_seconds(pid.trim().parse()?)
    }

    /// The address of etcd, which holds everything unencrypted; unknown of a given cluster. It speaks plain HTTP.
    #[must_use]
    pub fn etcd_url(&self) -> Option<&str> {
        self.state.as_ref().map(|state| state.etcd_url.as_str())
    }

    /// The machine's address as the apiserver, kubelet and Pods see it; unknown of a given cluster.
    ///
    /// The apiserver runs on the machine itself, so it also reaches servers on 127.0.0.1; Pods do not.
    #[must_use]
    pub fn host_address(&self) -> Option<IpAddr> {
        self.state
            .as_ref()
            .and_then(|state| state.host_address.parse().ok())
    }

    /// The node's address as the machine sees it; ports of Services of the type `NodePort` answer there.
    #[must_use]
    pub fn node_address(&self) -> Option<IpAddr> {
        self.state.as_ref()?.node_address.as_ref()?.parse().ok()
    }

    /// Makes an image and puts it on the node. Pods use it with the pull policy `IfNotPresent` or `Never`.
    ///
    /// # Errors
    ///
    /// When this harness did not start the cluster, the cluster has no node, or the image cannot be made.
    pub async fn import_image(&self, image: Image) -> Result<()> {
        let (containerd, folder) = self.containerd()?;
        let scratch = folder.join("images");
        spawn_blocking(move || image::import(&containerd, &scratch, &image))
            .await
            .context("failed to import")?
    }

    /// Gives the image with busybox another name, so that Pods that ask for that one run.
    ///
    /// # Errors
    ///
    /// When this harness did not start the cluster, or the cluster has no node.
    pub async fn image_alias(&self, name: &str) -> Result<()> {
        let (containerd, _) = self.containerd()?;
        let name = name.to_owned();
        spawn_blocking(move || image::alias(&containerd, image::BUSYBOX_IMAGE, &name))
            .await
            .context("failed to tag the image")?
    }

    fn containerd(&self) -> Result<(Containerd, PathBuf)> {
        let state = self
            .state
            .as_ref()
            .context("images can be imported only into a cluster that this harness started")?;
        let containerd = state.containerd.clone().with_context(|| {
            format!(
                "the cluster has no node: {}",
                state.node_missing.as_deref().unwrap_or("not requested")
            )
        })?;
        Ok((containerd, state.folder.clone()))
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("kubeconfig", &self.kubeconfig)
            .finish_non_exhaustive()
    }
}

/// Whether Pods can run on this node.
fn is_ready(node: &core::Node) -> bool {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let tainted = node
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.as_deref())
        .is_some_and(|taints| {
            taints
                .iter()
                .any(|taint| taint.key.starts_with("node.kubernetes.io/"))
        });
    !tainted
        && conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
