//! Connects to the cluster of a kubeconfig.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use extension_registry_core::diagnostic::Failure;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

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
    /// Flag for files, which can replace the cluster, for hints.
    pub files_flag: Option<&'static str>,
}

/// Creates a client, and returns the namespace of its context.
///
/// # Errors
/// If there is no usable kubeconfig.
pub async fn connect(connection: &Connection) -> Result<(Client, String)> {
    let config = configuration(connection).await?;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| {
        Failure::new("failed to create a client from the kubeconfig").caused_by(error)
    })?;
    Ok((client, namespace))
}

/// Returns the configuration of the client.
pub(super) async fn configuration(connection: &Connection) -> Result<Config> {
    let options = KubeConfigOptions {
        context: connection.context.clone(),
        ..KubeConfigOptions::default()
    };
    let path = connection.kubeconfig.as_deref();
    let found = match path.map(Kubeconfig::read_from).transpose() {
        Ok(Some(file)) => Config::from_custom_kubeconfig(file, &options).await,
        Ok(None) => Config::from_kubeconfig(&options).await,
        Err(error) => Err(error),
    };
    let mut config = found.map_err(|error| {
        let hint = match connection.files_flag {
            None => "pass a kubeconfig with --kubeconfig".to_owned(),
            Some(flag) => format!("pass a kubeconfig with --kubeconfig, or files with {flag}"),
        };
        Failure::new("cannot connect to a cluster")
            .hint(hint)
            .caused_by(failure(error, path))
    })?;
    let limit = Some(connection.timeout).filter(|time| !time.is_zero());
    config.connect_timeout = limit;
    config.read_timeout = limit;
    if let Some(user) = &connection.user {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(connection.groups.clone());
    }
    Ok(config)
}

/// Formats a kubeconfig error in one line.
fn failure(error: KubeconfigError, path: Option<&Path>) -> Box<dyn Error + Send + Sync> {
    let message = match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("failed to read {}: {error}", path.display())
        }
        KubeconfigError::LoadContext(name) => {
            format!("context `{name}` not found in the kubeconfig")
        }
        KubeconfigError::Parse(error) => {
            // The following lines quote the file, which may contain a token.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let why = first.trim_start_matches("error: ");
            let file = path.map_or_else(
                || "the kubeconfig".to_owned(),
                |path| path.display().to_string(),
            );
            format!("failed to parse {file}: {why}")
        }
        error => return error.into(),
    };
    Failure::new(message).into()
}
