//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::issue::IssueArgs;

/// Resolves what workflows need, renders it into Secrets and writes the pipelines.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "extension-registry",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// Without one, the operator runs.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Arguments of the operator.
    #[command(flatten)]
    pub args: Args,

    /// Form of the log lines
    #[arg(long, value_enum, default_value_t = LogFormat::Json, global = true)]
    pub log_format: LogFormat,
}

/// A task that ends by itself.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Issue the webhook's serving certificate and set `caBundle`; a Helm hook of the chart runs this
    IssueCertificate(IssueArgs),
}

/// Arguments of the operator.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Namespace of the operator itself: its keys are kept here
    #[arg(
        long,
        env = "EXTENSION_REGISTRY_NAMESPACE",
        default_value = "extension-registry"
    )]
    pub namespace: String,

    /// Namespace of the source Secrets that cluster records refer to
    #[arg(
        long,
        env = "EXTENSION_REGISTRY_RECORDS_NAMESPACE",
        default_value = "extension-registry-records"
    )]
    pub records_namespace: String,

    /// Zone in which the steps of workflows run; unset means unknown
    #[arg(long, env = "EXTENSION_REGISTRY_ZONE")]
    pub zone: Option<String>,

    /// Seconds for which a Secret that nothing uses any more is kept for runs that still go on
    #[arg(long, default_value_t = 3600)]
    pub unused_grace_seconds: u64,

    /// Seconds in which every projection is written again once, to repair what somebody deleted
    #[arg(long, default_value_t = 3600)]
    pub resync_seconds: u64,

    /// Objects worked on at a time
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,

    /// Where `/metrics`, `/healthz` and `/readyz` are served
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Work only while holding the Lease `extension-registry`, so that several replicas may run
    #[arg(long)]
    pub leader_elect: bool,

    /// Address on which to serve the admission webhook; unset means no webhook
    #[arg(long, requires = "webhook_certificate")]
    pub webhook_listen: Option<SocketAddr>,

    /// Folder with the webhook's `tls.crt` and `tls.key`; changed files are loaded without a restart
    #[arg(long)]
    pub webhook_certificate: Option<PathBuf>,

    /// Ignore the authors of workflows: without the admission policies, anybody may write them
    #[arg(long)]
    pub ignore_authors: bool,

    /// Report ready once the API server reaches the webhook, even if `caBundle` is not set yet
    #[arg(long, requires = "webhook_listen")]
    pub ready_before_trust: bool,

    /// What is done with credentials written into a record
    #[arg(long, value_enum, default_value_t = InlineCredentials::Seal)]
    pub inline_credentials: InlineCredentials,

    /// Work only in these namespaces, with commas between them; unset means all
    #[arg(long, value_delimiter = ',')]
    pub namespaces: Vec<String>,
}

/// What is done with credentials written into a record (security, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InlineCredentials {
    /// Encrypted before the record is stored.
    Seal,
    /// Left as they are.
    Allow,
    /// The record is refused.
    Deny,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Args {
    /// How long an unused Secret is kept.
    #[must_use]
    pub fn unused_grace(&self) -> Duration {
        Duration::from_secs(self.unused_grace_seconds)
    }

    /// How often everything is looked at again.
    #[must_use]
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
