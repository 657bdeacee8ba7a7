//! containerd, which runs the containers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{NodeTools, Space};
use crate::process::{Launcher, Process, run};
use crate::tools::{Tool, Tools};

/// The pause image.
pub(crate) const PAUSE_IMAGE: &str = "registry.local/pause:e2e";

/// Connection to containerd from the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Containerd {
    pub(crate) ctr: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) snapshotter: String,
}

impl Containerd {
    /// Returns a client command in the namespace of Kubernetes.
    pub(crate) fn ctr(&self) -> Command {
        let mut command = Command::new(&self.ctr);
        command
            .arg("--address")
            .arg(&self.socket)
            .args(["--namespace", "k8s.io"]);
        command
    }

    /// Returns whether containerd responds.
    pub(crate) fn is_ready(&self) -> bool {
        self.socket.exists() && run(self.ctr().args(["--connect-timeout", "1s", "version"])).is_ok()
    }
}

/// Starts containerd inside the node.
pub(crate) fn start(
    tools: &Tools,
    node_tools: &NodeTools,
    space: &Space,
    launcher: &Launcher,
) -> Result<(Containerd, Process)> {
    let folder = &space.folder;
    let containerd = Containerd {
        ctr: tools.path(Tool::Ctr)?.to_owned(),
        socket: folder.join("containerd.sock"),
        snapshotter: snapshotter(folder)?.to_owned(),
    };
    let config = folder.join("containerd.toml");
    let cni = folder.join("cni");
    fs::create_dir_all(&cni).context("failed to create the folder for network settings")?;
    fs::write(&config, configuration(node_tools, space, &containerd, &cni))
        .context("failed to write containerd's configuration")?;
    fs::write(cni.join("10-pods.conflist"), pod_network(space))
        .context("failed to write the Pods' network")?;

    let shims = tools
        .path(Tool::Shim)?
        .parent()
        .context("the path of the shim has no parent folder")?
        .to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        [shims]
            .into_iter()
            .chain(env::split_paths(&path))
            .chain(["/usr/sbin", "/sbin"].map(PathBuf::from)),
    )
    .context("invalid PATH")?;
    let mut command = space.command(tools.path(Tool::Containerd)?);
    command.arg("--config").arg(&config).env("PATH", path);
    let process = launcher.launch("containerd", &command)?;
    Ok((containerd, process))
}

/// The overlay file system does not work on top of itself, as in many containers.
fn snapshotter(folder: &Path) -> Result<&'static str> {
    let file_system = run(Command::new("stat")
        .args(["--file-system", "--format=%T"])
        .arg(folder))?;
    Ok(if file_system.trim() == "overlayfs" {
        "native"
    } else {
        "overlayfs"
    })
}

fn configuration(
    node_tools: &NodeTools,
    space: &Space,
    containerd: &Containerd,
    cni: &Path,
) -> String {
    let folder = space.folder.display();
    format!(
        r#"version = 3
imports = []
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd/opt"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "{snapshotter}"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "{runc}"
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{cni_programs}"]
    conf_dir = "{cni}"
"#,
        socket = containerd.socket.display(),
        snapshotter = containerd.snapshotter,
        runc = node_tools.runc.display(),
        cni_programs = node_tools.cni.display(),
        cni = cni.display(),
    )
}

/// Each Pod has its own link to the node, which routes. So all traffic, including that between Pods, passes
/// the rules of Services, without a bridge and its kernel module.
fn pod_network(space: &Space) -> String {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "dataDir": space.folder.join("cni/addresses"),
                "ranges": [[{"subnet": space.network.pods()}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
    .to_string()
}
