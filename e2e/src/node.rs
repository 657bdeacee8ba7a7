//! A node: containerd, kubelet and kube-proxy in separate network, mount and PID namespaces.
//!
//! The namespaces isolate clusters from each other, and end all processes of the node with its first process.

mod containerd;
mod kubelet;
mod proxy;
mod requirements;
mod space;

pub(crate) use containerd::{Containerd, PAUSE_IMAGE, start as start_containerd};
pub(crate) use kubelet::start as start_kubelet;
pub(crate) use proxy::{
    is_ready as proxy_is_ready, missing as proxy_missing, start as start_proxy,
};
pub(crate) use requirements::{NodeTools, check};
pub(crate) use space::Space;

/// The name of the node.
pub const NODE_NAME: &str = "node";
