//! What can be set from outside.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Resolves what workflows need, renders it into Secrets and writes the pipelines.
#[derive(Clone, Debug, Parser)]
#[command(name = "extension-registry", version)]
pub struct Args {
    /// Namespace of the operator itself: the digest key is kept here
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

    /// Form of the log lines
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
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
    fn the_arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
