//! Command-line arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::issue::IssueArgs;
use crate::web::WebArgs;

/// Resolve workflow requirements, render credentials into Secrets and generate Tekton Pipelines
#[derive(Clone, Debug, Parser)]
#[command(
    name = "extension-registry",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// Task to run instead of the operator
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Operator options
    #[command(flatten)]
    pub args: Args,

    /// Log format
    #[arg(long, value_enum, default_value_t = LogFormat::Json, global = true)]
    pub log_format: LogFormat,
}

/// A task other than the operator.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Issue the webhook serving certificate and set `caBundle`; run by one of the chart's Helm hooks
    IssueCertificate(IssueArgs),
    /// Serve the pages of the registry to users with a bearer token of the cluster
    Web(WebArgs),
}

/// Operator options.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Namespace of the operator; holds its keys and its Lease
    #[arg(
        long,
        env = "EXTENSION_REGISTRY_NAMESPACE",
        default_value = "extension-registry"
    )]
    pub namespace: String,

    /// Namespace of the Secrets that cluster-scoped records refer to
    #[arg(
        long,
        env = "EXTENSION_REGISTRY_RECORDS_NAMESPACE",
        default_value = "extension-registry-records"
    )]
    pub records_namespace: String,

    /// Zone in which workflow steps run; unknown if unset
    #[arg(long, env = "EXTENSION_REGISTRY_ZONE")]
    pub zone: Option<String>,

    /// Seconds to keep an unused Secret for pipeline runs in progress
    #[arg(long, default_value_t = 3600)]
    pub unused_grace_seconds: u64,

    /// Interval of full resyncs in seconds; a resync restores Secrets that were deleted or modified
    #[arg(long, default_value_t = 3600)]
    pub resync_seconds: u64,

    /// Maximum number of concurrent reconciles
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,

    /// Address that serves `/metrics`, `/healthz` and `/readyz`
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Reconcile only while holding the Lease `extension-registry`; required for several replicas
    #[arg(long)]
    pub leader_elect: bool,

    /// Address that serves the admission webhook; disabled if unset
    #[arg(long, requires = "webhook_certificate")]
    pub webhook_listen: Option<SocketAddr>,

    /// Directory with the webhook's `tls.crt` and `tls.key`; reloaded when the files change
    #[arg(long)]
    pub webhook_certificate: Option<PathBuf>,

    /// Ignore workflow authors; required if the admission policies that verify them are not installed
    #[arg(long)]
    pub ignore_authors: bool,

    /// Report ready once the API server can reach the webhook, even if `caBundle` is not set yet
    #[arg(long, requires = "webhook_listen")]
    pub ready_before_trust: bool,

    /// How to handle credential values written into a record
    #[arg(long, value_enum, default_value_t = InlineCredentials::Seal)]
    pub inline_credentials: InlineCredentials,

    /// Comma-separated list of namespaces to manage; all if unset
    #[arg(long, value_delimiter = ',')]
    pub namespaces: Vec<String>,
}

/// How credential values written into a record are handled (`SECURITY.md`, "Values").
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InlineCredentials {
    /// Encrypt them before the record is stored
    Seal,
    /// Store them in plain text
    Allow,
    /// Reject the record
    Deny,
}

/// Format of the log output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line
    Json,
    /// Human-readable text
    Text,
}

impl Args {
    /// Returns how long an unused Secret is kept.
    #[must_use]
    pub fn unused_grace(&self) -> Duration {
        Duration::from_secs(self.unused_grace_seconds)
    }

    /// Returns the full resync interval, at least one second.
    #[must_use]
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_is_valid() {
        super::Cli::command().debug_assert();
    }
}
