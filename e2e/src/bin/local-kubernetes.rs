//! Starts and stops local clusters from the command line.
#![expect(
    clippy::print_stdout,
    reason = "other programs read the result from standard output"
)]

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use extension_registry_e2e::{Cluster, Node, Options, Persistent};
use tokio::signal::ctrl_c;

/// Run a local Kubernetes cluster without Docker
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start a cluster in the background and print its KUBECONFIG
    Up {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        start: Start,
    },
    /// Stop a cluster that `up` started
    Down(Name),
    /// Show the processes of a cluster
    Status(Name),
    /// Start a cluster, print its KUBECONFIG and stop it on Ctrl-C
    Run(Start),
}

#[derive(Args)]
struct Name {
    /// Name of the cluster
    #[arg(long, default_value = "extension-registry")]
    name: String,
}

#[derive(Args)]
struct Start {
    /// Start without a node; Pods do not run, and root is not required
    #[arg(long)]
    no_node: bool,
    /// Parent folder of the data folder; default is the temporary folder
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Start {
    fn options(self) -> Options {
        let node = if self.no_node { Node::None } else { Node::Auto };
        Options {
            node,
            folder: self.folder,
            ..Options::default()
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Up { name, start } => {
            println!(
                "KUBECONFIG={}",
                Persistent::named(&name.name)?
                    .up(start.options())
                    .await?
                    .display()
            );
        }
        Verb::Down(name) => Persistent::named(&name.name)?.down().await?,
        Verb::Status(name) => Persistent::named(&name.name)?
            .status()?
            .iter()
            .for_each(|line| println!("{line}")),
        Verb::Run(start) => {
            let cluster = Cluster::start(start.options()).await?;
            println!("KUBECONFIG={}", cluster.kubeconfig().display());
            ctrl_c().await.context("failed to wait for Ctrl-C")?;
            cluster.stop().await?;
        }
    }
    Ok(())
}
