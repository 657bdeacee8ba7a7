//! Options of a cluster.

use std::path::PathBuf;

/// Whether to start a node, which is required to run Pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Node {
    /// Start a node if the machine supports it.
    #[default]
    Auto,
    /// Fail if the machine does not support a node.
    Required,
    /// Start no node: Pods stay pending.
    None,
}

/// Options of a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to start a node.
    pub node: Node,
    /// Whether Services are reachable, with a node.
    pub services: bool,
    /// Parent of the data folder; the temporary folder of the system if `None`.
    /// The path should be short, because it is part of socket names.
    pub folder: Option<PathBuf>,
    /// Additional arguments of kube-apiserver.
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
