//! One node: containerd, kubelet and kube-proxy in network, mount and pid namespaces of their own.
//!
//! The namespaces keep several clusters apart, and let nothing of the node outlive its first process.

mod containerd;
mod kubelet;
mod proxy;
mod requirements;
mod space;

pub(crate) use containerd::{Containerd, PAUSE_IMAGE, start as start_containerd};
pub(crate) use kubelet::start as start_kubelet;
pub(crate) use proxy::{answers as proxy_answers, missing as proxy_missing, start as start_proxy};
pub(crate) use requirements::{NodeTools, check};
pub(crate) use space::Space;

/// The name of the node.
pub const NODE_NAME: &str = "node";
