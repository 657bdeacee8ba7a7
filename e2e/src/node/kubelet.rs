//! The kubelet, which turns Pods into containers.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Containerd, NODE_NAME, Space};
use crate::control_plane::ControlPlane;
use crate::process::{Launcher, Process};
use crate::tools::{Tool, Tools};

/// Starts the kubelet inside the node. Requires a ready apiserver.
pub(crate) fn start(
    tools: &Tools,
    plane: &ControlPlane,
    space: &Space,
    containerd: &Containerd,
    launcher: &Launcher,
) -> Result<Process> {
    let folder = &space.folder;
    let root = folder.join("kubelet");
    let group = folder
        .file_name()
        .context("the data folder has no name")?
        .to_string_lossy();
    let user = format!("system:node:{NODE_NAME}");
    let kubeconfig = plane.kubeconfig_for("kubelet", &user, Some("system:nodes"))?;
    let node = space.network.node();
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": plane.authority().certificate},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{}", containerd.socket.display()),
        // Kubelets stop unknown processes below their group, so each has its own.
        "cgroupRoot": format!("/{group}"),
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        "oomScoreAdj": 0,
        "resolvConf": "",
        "podLogsDir": folder.join("logs/pods"),
        "volumePluginDir": root.join("volume-plugins"),
        // Images cannot be pulled again, so disable garbage collection and eviction on a full disk.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
            "imagefs.available": "0%", "imagefs.inodesFree": "0%",
        },
        "serializeImagePulls": false,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "maxPods": 250,
    });
    let file = folder.join("kubelet.json");
    fs::write(&file, configuration.to_string())
        .context("failed to write the kubelet's configuration")?;

    let mut command = space.command(tools.path(Tool::Kubelet)?);
    command.args([
        format!("--config={}", file.display()),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--root-dir={}", root.display()),
        format!("--cert-dir={}", root.join("pki").display()),
        format!("--hostname-override={NODE_NAME}"),
        format!("--node-ip={node}"),
    ]);
    launcher.launch("kubelet", &command)
}
