//! Starts and ends local clusters from the command line.
#![expect(
    clippy::print_stdout,
    reason = "standard output is for the answer, as other programs read it"
)]

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use extension_registry_e2e::{Cluster, Node, Options, Persistent};
use tokio::signal::ctrl_c;

/// A real Kubernetes on this machine, without Docker
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start a cluster that keeps running, and print its KUBECONFIG
    Up {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        start: Start,
    },
    /// End a cluster that `up` started
    Down(Name),
    /// Show what runs
    Status(Name),
    /// Start a cluster, print its KUBECONFIG, and end it on Ctrl-C
    Run(Start),
}

#[derive(Args)]
struct Name {
    /// The cluster's name
    #[arg(long, default_value = "extension-registry")]
    name: String,
}

#[derive(Args)]
struct Start {
    /// Start no node, so that Pods do not run; needs no root
    #[arg(long)]
    no_node: bool,
    /// Make the data folder below this one instead of the temporary folder
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
