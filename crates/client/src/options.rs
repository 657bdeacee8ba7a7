//! What a caller chooses about a connection.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use extension_registry_core::sensitive::Sensitive;

/// How to connect to a cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Path to the kubeconfig; by default, as kubectl finds it.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; by default, the current one.
    pub context: Option<String>,
    /// Timeout for connecting, and for each response; zero disables both. By default, only connecting is limited.
    pub timeout: Option<Duration>,
    /// User to impersonate.
    pub user: Option<String>,
    /// Groups to impersonate.
    pub groups: Vec<String>,
    /// Bearer token to use instead of all credentials of the kubeconfig or the Pod, which are not read.
    pub token: Option<Sensitive>,
}

/// Address of an API server: `https://host:6443 (context `dev`)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) url: String,
    pub(crate) context: Option<String>,
    pub(crate) proxy: Option<String>,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.url)?;
        match (&self.context, &self.proxy) {
            (None, None) => Ok(()),
            (Some(context), None) => write!(out, " (context `{context}`)"),
            (None, Some(proxy)) => write!(out, " (proxy {proxy})"),
            (Some(context), Some(proxy)) => write!(out, " (context `{context}`, proxy {proxy})"),
        }
    }
}
