//! kube-proxy, which gives Services their addresses.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{NODE_NAME, Space};
use crate::control_plane::ControlPlane;
use crate::process::on_path;
use crate::process::{Launcher, Process, run};
use crate::tools::{Tool, Tools};

/// Returns why Services cannot work inside the node; None if they can.
pub(crate) fn missing(space: &Space) -> Option<String> {
    let packages: Vec<&str> = ["iptables", "conntrack"]
        .into_iter()
        .filter(|program| on_path(program).is_none())
        .collect();
    if !packages.is_empty() {
        return Some(format!(
            "packages are missing; install them with: apt-get install {}",
            packages.join(" ")
        ));
    }
    run(space
        .command("iptables")
        .args(["--wait", "--table", "nat", "--list"]))
    .err()
    .map(|error| format!("iptables does not work: {error:#}"))
}

/// Starts kube-proxy inside the node. Requires a ready apiserver.
pub(crate) fn start(
    tools: &Tools,
    plane: &ControlPlane,
    space: &Space,
    launcher: &Launcher,
) -> Result<Process> {
    let kubeconfig = plane.kubeconfig_for("proxy", "system:kube-proxy", None)?;
    let configuration = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig},
        "hostnameOverride": NODE_NAME,
        "mode": "iptables",
        "clusterCIDR": space.network.pods(),
        // These limits apply to the whole machine, so they are not changed.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "100ms"},
    });
    let file = space.folder.join("proxy.json");
    fs::write(&file, configuration.to_string())
        .context("failed to write kube-proxy's configuration")?;
    let mut command = space.command(tools.path(Tool::Proxy)?);
    command.arg(format!("--config={}", file.display()));
    launcher.launch("kube-proxy", &command)
}

/// Returns whether the Service `kubernetes` is reachable from the machine.
pub(crate) async fn is_ready(space: &Space) -> bool {
    let address = SocketAddr::from((space.network.first_service(), 443));
    timeout(Duration::from_millis(500), TcpStream::connect(address))
        .await
        .is_ok_and(|stream| stream.is_ok())
}
