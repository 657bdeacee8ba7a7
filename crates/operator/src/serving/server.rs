//! The socket of the webhook, and the round that keeps its certificate and its trust current.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::context::Context;
use crate::error::Error;
use crate::serving::source::Source;
use crate::serving::{inject, probe};
use crate::webhook;

/// How often everything is looked at.
const ROUND: Duration = Duration::from_secs(15);

/// How soon after a failure, and while the API server does not yet reach the webhook.
const SOON: Duration = Duration::from_millis(250);

/// How long requests at hand may take once it is over.
const GRACE: Duration = Duration::from_secs(5);

/// How the webhook is served.
pub(crate) struct Serving {
    listener: TcpListener,
    host: String,
    configuration: String,
    folder: Option<PathBuf>,
}

impl Serving {
    /// Takes the socket, so that callers wait rather than fail until there is a certificate. `None`
    /// when no webhook is wanted.
    ///
    /// # Errors
    /// When the port is in use.
    pub(crate) fn bind(args: &Args) -> anyhow::Result<Option<Self>> {
        let Some(address) = args.webhook_listen else {
            return Ok(None);
        };
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| {
                format!(
                    "failed to listen on {address}; choose another address with --webhook-listen"
                )
            })?;
        tracing::info!(address = %listener.local_addr()?, "serving the webhook");
        Ok(Some(Self {
            listener,
            host: args.webhook_host.clone(),
            configuration: args.webhook_configuration.clone(),
            folder: args.webhook_certificate.clone(),
        }))
    }

    /// Serves until the token is cancelled.
    pub(crate) fn start(
        self,
        context: &Arc<Context>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let (context, stop) = (Arc::clone(context), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = self.serve(context, stop).await {
                tracing::error!(%error, "the webhook ended");
            }
        });
    }

    async fn serve(self, context: Arc<Context>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut source = Source::new(&context, self.host, self.folder);
        let config = loop {
            match source.first().await {
                Ok(config) => break config,
                Err(error) => tracing::warn!(%error, "no serving certificate yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(SOON) => {}
                () = stop.cancelled() => return Ok(()),
            }
        };
        let handle = Handle::<SocketAddr>::new();
        let router = webhook::router(Arc::clone(&context));
        let socket = axum_server::from_tcp_rustls(self.listener, config.clone())?
            .handle(handle.clone())
            .serve(router.into_make_service());
        let rounds = async {
            tokio::select! {
                () = keep_current(&context, source, &config, &self.configuration) => {}
                () = stop.cancelled() => {}
            }
            handle.graceful_shutdown(Some(GRACE));
        };
        let (served, ()) = tokio::join!(socket, rounds);
        served.context("the socket of the webhook failed")
    }
}

/// Keeps certificate and trust current, and says once that the API server reaches the webhook.
async fn keep_current(
    context: &Context,
    mut source: Source,
    config: &RustlsConfig,
    configuration: &str,
) {
    loop {
        let pause = match round(context, &mut source, config, configuration).await {
            Ok(()) if context.webhook.is_reached() => ROUND,
            Ok(()) => SOON,
            Err(error) => {
                tracing::warn!(%error, "the webhook is not kept current, will be tried again");
                SOON * 4
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn round(
    context: &Context,
    source: &mut Source,
    config: &RustlsConfig,
    configuration: &str,
) -> Result<(), Error> {
    if let Some((certificate, key)) = source.renewed().await? {
        config
            .reload_from_pem(certificate, key)
            .await
            .map_err(|error| Error::internal("load the serving certificate", &error))?;
        tracing::info!("the serving certificate is renewed");
    }
    let is_asked = match source.bundle() {
        Some(bundle) => inject::run(&context.client, configuration, bundle).await?,
        // Whoever makes the certificate also writes the bundle.
        None => true,
    };
    if !context.webhook.is_reached() {
        if is_asked && probe::run(context).await? {
            context.webhook.set_reached();
            tracing::info!("the API server reaches the webhook");
        } else {
            tracing::debug!(configuration, "the API server does not ask the webhook yet");
        }
    }
    Ok(())
}
