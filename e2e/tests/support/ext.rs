//! `kubectl ext`, run on a cluster as somebody.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests may do what tests may do"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use extension_registry_e2e::Cluster;
use extension_registry_e2e::operator::built;

/// What the program did.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it as whoever the kubeconfig is of. Nobody is there to be asked.
pub(crate) fn ext(kubeconfig: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(built("kubectl-ext").unwrap())
        .args(arguments)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The kubeconfig of somebody who may look at all that is registered, and no more.
pub(crate) fn viewer(cluster: &Cluster) -> PathBuf {
    let kubectl = |arguments: &[&str]| cluster.kubectl_run(arguments).unwrap();
    kubectl(&["create", "serviceaccount", "viewer", "-n", "alpha"]);
    let role = "--clusterrole=extension-registry-view";
    let subject = "--serviceaccount=alpha:viewer";
    kubectl(&["create", "clusterrolebinding", "viewer", role, subject]);
    cluster.kubeconfig_of("alpha", "viewer").unwrap()
}
