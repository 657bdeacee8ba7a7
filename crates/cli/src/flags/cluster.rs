//! Flags of the connection to a cluster, and of commands that change it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use extension_registry_query::cluster::Connection;

use super::time::time;

/// Impersonation.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Identity {
    /// User to impersonate; workflows without an author resolve for this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    pub(crate) groups: Vec<String>,
}

/// Connection to a cluster.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Cluster {
    /// Path to the kubeconfig file
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Kubeconfig context to use
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Timeout for each request: `30s`, `1m30s`, or a number of seconds; `0` disables it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) request_timeout: Duration,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

impl Cluster {
    /// Returns the connection. `files_flag` is the flag that reads files instead of the cluster.
    pub(crate) fn connection(&self, files_flag: Option<&'static str>) -> Connection {
        Connection {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            timeout: self.request_timeout,
            user: self.identity.user.clone(),
            groups: self.identity.groups.clone(),
            token: None,
            files_flag,
        }
    }
}

/// Flags of commands that apply records.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ApplyOptions {
    /// Print what would be applied, with values redacted, without applying it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}
