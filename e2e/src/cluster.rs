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
use start::is_ready;

/// Variable with the kubeconfig of an existing cluster to use.
pub const KUBECONFIG_VARIABLE: &str = "EXTENSION_REGISTRY_KUBECONFIG";

/// A reachable Kubernetes cluster, whose node, if any, is ready.
///
/// A cluster that this process started stops with [`Cluster::stop`], when dropped, and when the process exits.
pub struct Cluster {
    client: Client,
    config: Config,
    kubeconfig: PathBuf,
    /// State of a cluster that this harness started, in this or another process.
    state: Option<State>,
    node_missing: Option<String>,
    services_missing: Option<String>,
    /// Present if this process must stop the cluster.
    running: Option<Running>,
}

impl Cluster {
    /// Starts a cluster and waits until it is ready. Builds missing programs the first time.
    ///
    /// # Errors
    ///
    /// If a program is unavailable or does not start, or if a required node cannot run on this machine.
    /// Everything is stopped then.
    pub async fn start(options: Options) -> Result<Self> {
        let (state, running) = start::start(options).await?;
        Self::connect(state.kubeconfig.clone(), Some(state), Some(running)).await
    }

    /// Uses the cluster of the kubeconfig in `EXTENSION_REGISTRY_KUBECONFIG`, else starts one.
    ///
    /// # Errors
    ///
    /// If the existing cluster is unreachable, or no cluster can be started.
    pub async fn from_environment_or_start(options: Options) -> Result<Self> {
        match env::var_os(KUBECONFIG_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::existing(Path::new(&path)).await,
            None => Self::start(options).await,
        }
    }

    /// Uses the cluster of this kubeconfig, and does not stop it.
    ///
    /// # Errors
    ///
    /// If the cluster is unreachable.
    pub async fn existing(kubeconfig: &Path) -> Result<Self> {
        let state = State::read(&State::path_for(kubeconfig))?;
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

    /// Stops the cluster and waits until everything is cleaned up. Does not change an existing cluster.
    ///
    /// # Errors
    ///
    /// If processes or files are left.
    pub async fn stop(mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        spawn_blocking(move || running.end())
            .await
            .context("failed to stop the cluster")?
    }

    /// Leaves a cluster that this process started running.
    pub(crate) fn keep(mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), Running::keep)
    }

    /// Returns a client with administrator permissions.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns the configuration of the administrator client.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the path of the kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Returns the program `kubectl`, of the version of the cluster if this harness started it.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.state
            .as_ref()
            .map_or_else(|| PathBuf::from("kubectl"), |state| state.kubectl.clone())
    }

    /// Returns whether this process started the cluster and will stop it.
    #[must_use]
    pub fn is_owned(&self) -> bool {
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

    /// Returns the data folder of a cluster that this harness started; logs are in the subfolder `logs`.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.state.as_ref().map(|state| state.folder.as_path())
    }

    /// Returns the processor time that the API server has used, in seconds; Linux only.
    ///
    /// # Errors
    ///
    /// If this harness did not start the cluster, or the API server is not running.
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

    /// Returns the address of etcd (plain HTTP, unencrypted data); None for an existing cluster.
    #[must_use]
    pub fn etcd_url(&self) -> Option<&str> {
        self.state.as_ref().map(|state| state.etcd_url.as_str())
    }

    /// Returns the address of the machine for the apiserver, kubelet and Pods; None for an existing cluster.
    ///
    /// The apiserver runs on the machine itself, so it can also reach servers on 127.0.0.1; Pods cannot.
    #[must_use]
    pub fn host_address(&self) -> Option<IpAddr> {
        self.state
            .as_ref()
            .and_then(|state| state.host_address.parse().ok())
    }

    /// Returns the address of the node; Services of type `NodePort` are reachable there.
    #[must_use]
    pub fn node_address(&self) -> Option<IpAddr> {
        self.state.as_ref()?.node_address.as_ref()?.parse().ok()
    }

    /// Builds an image and imports it to the node. Pods use it with the pull policy `IfNotPresent` or `Never`.
    ///
    /// # Errors
    ///
    /// If this harness did not start the cluster, the cluster has no node, or the image cannot be built.
    pub async fn import_image(&self, image: Image) -> Result<()> {
        let (containerd, folder) = self.containerd()?;
        let scratch = folder.join("images");
        spawn_blocking(move || image::import(&containerd, &scratch, &image))
            .await
            .context("failed to import")?
    }

    /// Adds a name to the busybox image, so that Pods with that image can run.
    ///
    /// # Errors
    ///
    /// If this harness did not start the cluster, or the cluster has no node.
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
