//! Starts a cluster, part by part.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1 as core;
use kube::{Api, Client};
use tokio::task::spawn_blocking;

use super::options::{Node, Options};
use super::running::Running;
use crate::control_plane::ControlPlane;
use crate::node::{self, Containerd, NODE_NAME, NodeTools, Space};
use crate::process::Launcher;
use crate::state::State;
use crate::tools::{Tool, Tools};
use crate::{image, kubeconfig, progress, wait};

/// Time limit for each part, for slow machines.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Starts the parts, and returns what is running and how to reach it.
pub(super) async fn start(options: Options) -> Result<(State, Running)> {
    let requirements = match options.node {
        Node::None => Err("not requested".to_owned()),
        Node::Auto | Node::Required => node::check(),
    };
    if let (Err(reason), Node::Required) = (&requirements, options.node) {
        bail!("cannot start a node: {reason}");
    }
    let with_node = requirements.is_ok();
    let tools = spawn_blocking(move || {
        let node: &[Tool] = if with_node { &Tool::NODE } else { &[] };
        Tools::find(&[&Tool::CONTROL_PLANE, node].concat())
    })
    .await
    .context("failed to find the programs")??;

    let folder = data_folder(&options)?;
    let (mut running, launcher) = Running::begin(&folder)?;
    let (space, node_missing) = match requirements {
        Err(reason) => (None, Some(reason)),
        Ok(node_tools) => match Space::create(&folder, &launcher).await {
            Ok((space, process)) => {
                running.processes.push(process);
                (Some((space, node_tools)), None)
            }
            Err(error) if options.node == Node::Auto => (None, Some(format!("{error:#}"))),
            Err(error) => return Err(error),
        },
    };
    if let Some(reason) = node_missing
        .as_deref()
        .filter(|_| options.node != Node::None)
    {
        progress::print_line(&format!("the cluster has no node: {reason}"));
    }

    let plane = ControlPlane::prepare(&folder, space.as_ref().map(|(space, _)| space.network))?;
    let mut starter = Starter {
        tools,
        launcher,
        plane,
        running,
    };
    let mut state = State {
        kubeconfig: starter.plane.kubeconfig.clone(),
        kubectl: starter.tools.path(Tool::Kubectl)?.to_owned(),
        server: starter.plane.server.clone(),
        etcd_url: starter.plane.etcd_url(),
        host_address: space.as_ref().map_or("127.0.0.1".to_owned(), |(space, _)| {
            space.network.host().to_string()
        }),
        node_address: space
            .as_ref()
            .map(|(space, _)| space.network.node().to_string()),
        node_missing,
        services_missing: None,
        containerd: None,
        folder,
    };
    starter.control_plane(&options)?;
    if let Some((space, node_tools)) = &space {
        state.containerd = Some(starter.containerd(space, node_tools).await?);
    }
    let client = starter.ready_control_plane().await?;
    if let (Some((space, _)), Some(containerd)) = (&space, &state.containerd) {
        state.services_missing = starter
            .node(space, containerd, &client, options.services)
            .await?;
    }
    starter.ready_account(&client).await?;
    state.write(&State::path_for(&state.kubeconfig))?;
    Ok((state, starter.running))
}

struct Starter {
    tools: Tools,
    launcher: Launcher,
    plane: ControlPlane,
    running: Running,
}

impl Starter {
    fn control_plane(&mut self, options: &Options) -> Result<()> {
        let Self {
            tools,
            launcher,
            plane,
            running,
        } = self;
        running.processes.push(plane.start_etcd(tools, launcher)?);
        running.processes.push(plane.start_apiserver(
            tools,
            launcher,
            &options.apiserver_extra_args,
        )?);
        Ok(())
    }

    async fn ready_control_plane(&mut self) -> Result<Client> {
        let Self {
            tools,
            launcher,
            plane,
            running,
        } = self;
        let client = Client::try_from(kubeconfig::config(&plane.kubeconfig).await?)
            .context("failed to create a client")?;
        wait::until(
            "kube-apiserver is ready",
            TIMEOUT,
            &mut running.processes,
            async || is_healthy(&client).await,
        )
        .await?;
        running
            .processes
            .push(plane.start_controller_manager(tools, launcher)?);
        running
            .processes
            .push(plane.start_scheduler(tools, launcher)?);
        Ok(client)
    }

    async fn containerd(&mut self, space: &Space, node_tools: &NodeTools) -> Result<Containerd> {
        let (containerd, process) =
            node::start_containerd(&self.tools, node_tools, space, &self.launcher)?;
        self.running.processes.push(process);
        wait::until(
            "containerd is ready",
            TIMEOUT,
            &mut self.running.processes,
            async || containerd.is_ready(),
        )
        .await?;
        let (shared, tools, scratch) = (
            containerd.clone(),
            node_tools.clone(),
            space.folder.join("images"),
        );
        spawn_blocking(move || image::import_basics(&shared, &tools, &scratch))
            .await
            .context("failed to import images")??;
        Ok(containerd)
    }

    /// Starts the components of the node, and returns why Services do not work, if they do not.
    async fn node(
        &mut self,
        space: &Space,
        containerd: &Containerd,
        client: &Client,
        services: bool,
    ) -> Result<Option<String>> {
        let Self {
            tools,
            launcher,
            plane,
            running,
        } = self;
        running.processes.push(node::start_kubelet(
            tools, plane, space, containerd, launcher,
        )?);
        let missing = if services {
            node::proxy_missing(space)
        } else {
            Some("not requested".to_owned())
        };
        if missing.is_none() {
            running
                .processes
                .push(node::start_proxy(tools, plane, space, launcher)?);
            wait::until(
                "Services are reachable",
                TIMEOUT,
                &mut running.processes,
                async || node::proxy_is_ready(space).await,
            )
            .await?;
        } else if let Some(reason) = missing.as_deref().filter(|_| services) {
            progress::print_line(&format!("Services are unreachable: {reason}"));
        }
        let nodes = Api::<core::Node>::all(client.clone());
        wait::until(
            "the node is ready",
            TIMEOUT,
            &mut running.processes,
            async || nodes.get(NODE_NAME).await.is_ok_and(|node| is_ready(&node)),
        )
        .await?;
        Ok(missing)
    }

    /// Waits for the default `ServiceAccount`, without which Pods are rejected.
    async fn ready_account(&mut self, client: &Client) -> Result<()> {
        let accounts = Api::<core::ServiceAccount>::namespaced(client.clone(), "default");
        wait::until(
            "the default service account exists",
            TIMEOUT,
            &mut self.running.processes,
            async || accounts.get("default").await.is_ok(),
        )
        .await
    }
}

async fn is_healthy(client: &Client) -> bool {
    let request = kube::core::Request::new("/readyz");
    let Ok(request) = request.list(&kube::api::ListParams::default()) else {
        return false;
    };
    client.request_text(request).await.is_ok()
}

/// Creates a folder that only this user can read. The name is short, because the length of socket paths is
/// limited.
fn data_folder(options: &Options) -> Result<PathBuf> {
    let parent = options.folder.clone().unwrap_or_else(env::temp_dir);
    let parent = std::path::absolute(&parent)
        .with_context(|| format!("invalid path {}", parent.display()))?;
    let random = RandomState::new().build_hasher().finish();
    let folder = parent.join(format!("er-{:08x}", random & 0xffff_ffff));
    create(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    Ok(folder)
}

fn create(folder: &Path) -> std::io::Result<()> {
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    DirBuilder::new().mode(0o700).create(folder)
}

/// Returns whether Pods can run on this node.
pub(super) fn is_ready(node: &core::Node) -> bool {
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
