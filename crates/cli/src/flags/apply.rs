//! Flags of commands that change the cluster.

/// Flags of commands that apply records.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ApplyOptions {
    /// Print what would be applied, with values redacted, without applying it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}
