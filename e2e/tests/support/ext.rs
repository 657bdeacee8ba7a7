//! Runs `kubectl ext` on a cluster as a given user.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use extension_registry_e2e::Cluster;
use extension_registry_e2e::operator::built;

/// Exit code and output of a command.
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `kubectl ext` as the user of the kubeconfig, without a terminal.
pub(crate) fn ext(kubeconfig: &Path, arguments: &[&str]) -> CommandOutput {
    let output = Command::new(built("kubectl-ext").unwrap())
        .args(arguments)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    CommandOutput {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns the kubeconfig of a user with only the view role of the registry.
pub(crate) fn viewer(cluster: &Cluster) -> PathBuf {
    let kubectl = |arguments: &[&str]| cluster.kubectl_run(arguments).unwrap();
    kubectl(&["create", "serviceaccount", "viewer", "-n", "alpha"]);
    let role = "--clusterrole=extension-registry-view";
    let subject = "--serviceaccount=alpha:viewer";
    kubectl(&["create", "clusterrolebinding", "viewer", role, subject]);
    wait_until_allowed(cluster, "viewer");
    cluster.kubeconfig_of("alpha", "viewer").unwrap()
}

/// Waits until a service account of the project may list workflows there. The API server observes new bindings with a
/// delay.
pub(crate) fn wait_until_allowed(cluster: &Cluster, account: &str) {
    let user = format!("--as=system:serviceaccount:alpha:{account}");
    let workflows = "workflows.registry.fuseml.io";
    let can = ["auth", "can-i", "list", workflows, "-n", "alpha", &user];
    let start = Instant::now();
    // The answer `no` has exit code 1.
    while let Err(error) = cluster.kubectl_run(&can) {
        assert!(start.elapsed() < Duration::from_mins(1), "{error:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
