//! Connects to the cluster of a kubeconfig.

use std::path::PathBuf;
use std::time::Duration;

use extension_registry_client::{Options, flatten};
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use kube::Client;

use crate::Result;

/// How to connect to a cluster.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Path to the kubeconfig; by default, as kubectl finds it.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; by default, the current one.
    pub context: Option<String>,
    /// Timeout for each request; zero disables it.
    pub timeout: Duration,
    /// User to impersonate.
    pub user: Option<String>,
    /// Groups to impersonate.
    pub groups: Vec<String>,
    /// Bearer token to use instead of all other credentials.
    pub token: Option<Sensitive>,
    /// Flag for files, which can replace the cluster, for hints.
    pub files_flag: Option<&'static str>,
}

impl Connection {
    pub(super) fn options(&self) -> Options {
        Options {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            timeout: Some(self.timeout),
            user: self.user.clone(),
            groups: self.groups.clone(),
            token: self.token.clone(),
        }
    }
}

/// Creates a client, and returns the namespace of its context.
///
/// # Errors
/// If there is no usable kubeconfig, or an exec plugin fails.
pub async fn connect(connection: &Connection) -> Result<(Client, String)> {
    let found = extension_registry_client::connect(&connection.options()).await;
    let found = found.map_err(|failure| {
        let hint = match connection.files_flag {
            // The cause names a better way out.
            _ if !flatten(&failure).hints.is_empty() => String::new(),
            None => "pass a kubeconfig with --kubeconfig".to_owned(),
            Some(flag) => format!("pass a kubeconfig with --kubeconfig, or files with {flag}"),
        };
        Failure::new("cannot connect to a cluster")
            .hint(hint)
            .caused_by(failure)
    })?;
    Ok((found.client, found.namespace))
}
