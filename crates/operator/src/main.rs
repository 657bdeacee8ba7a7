//! Entry point of the operator binary.

use anyhow::Context;
use clap::Parser;
use extension_registry_client::{Options, connect, flatten};
use extension_registry_core::diagnostic::Explain;
use extension_registry_operator::args::{Cli, Command, LogFormat};
use extension_registry_operator::{issue, run, web};
use kube::Client;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    // An error only means that a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let stop = CancellationToken::new();
            let signal = stop.clone();
            tokio::spawn(async move {
                wait_for_signal().await;
                signal.cancel();
            });
            match cli.command {
                Some(Command::IssueCertificate(args)) => {
                    issue::run(args, client().await?, stop).await
                }
                Some(Command::Web(args)) => web::run(args, stop).await,
                None => run::run(cli.args, client().await?, stop).await,
            }
        })
}

/// Connects as the Pod.
async fn client() -> anyhow::Result<Client> {
    let connection = connect(&Options::default()).await;
    let connection = connection
        .map_err(|failure| anyhow::Error::msg(flatten(&failure).explained()))
        .context("cannot connect to a cluster")?;
    Ok(connection.client)
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
