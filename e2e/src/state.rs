//! State of a cluster that this harness started, stored next to the kubeconfig for other processes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::node::Containerd;
use crate::watchdog;

/// State of a cluster that does not change while it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) folder: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) server: String,
    pub(crate) etcd_url: String,
    /// Address of the machine for Pods.
    pub(crate) host_address: String,
    /// Address of the node for the machine.
    pub(crate) node_address: Option<String>,
    pub(crate) node_missing: Option<String>,
    pub(crate) services_missing: Option<String>,
    pub(crate) containerd: Option<Containerd>,
}

impl State {
    /// Writes the state as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("failed to describe the cluster")?;
        fs::write(path, text + "\n").with_context(|| format!("failed to write {}", path.display()))
    }

    /// Reads the state; None if the file does not exist.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("failed to parse {}", path.display()))
    }

    /// Returns whether all started programs are running.
    pub(crate) fn is_whole(&self) -> Result<bool> {
        let started = fs::read_to_string(self.folder.join("processes")).unwrap_or_default();
        let living = watchdog::list(&self.folder)?;
        let lives = |name| {
            living
                .iter()
                .any(|line| line.split(' ').next() == Some(name))
        };
        Ok(!started.is_empty()
            && started
                .lines()
                .filter_map(|line| line.split(' ').nth(2))
                .all(lives))
    }

    /// Returns the path of the state file next to a kubeconfig.
    pub(crate) fn path_for(kubeconfig: &Path) -> PathBuf {
        kubeconfig.with_file_name("cluster.json")
    }
}
