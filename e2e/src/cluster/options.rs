//! How to start a cluster.

use std::path::PathBuf;

/// Whether a cluster gets a node, which it needs to run Pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Node {
    /// With a node where the machine can have one.
    #[default]
    Auto,
    /// Fail where the machine cannot have one.
    Required,
    /// Without a node: Pods stay pending.
    None,
}

/// How to start a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to start a node.
    pub node: Node,
    /// Whether Services get addresses that work, where there is a node.
    pub services: bool,
    /// The folder in which the cluster's data folder is made; the system's temporary folder when `None`.
    /// The path should be short, as it becomes part of the names of sockets.
    pub folder: Option<PathBuf>,
    /// Further arguments for kube-apiserver.
    pub apiserver_extra_args: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            node: Node::Auto,
            services: true,
            folder: None,
            apiserver_extra_args: Vec::new(),
        }
    }
}
