//! The socket of the webhook, its certificate, and the proof that the API server reaches it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use k8s_openapi::jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::context::Context;
use crate::error::Error;
use crate::serving::certificate::Pair;
use crate::serving::probe::{self, Reach};
use crate::webhook;

/// How often the certificate's files are read.
const ROUND: Duration = Duration::from_secs(15);

/// How often while the API server does not reach the webhook yet.
const SOON: Duration = Duration::from_millis(250);

/// How soon after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How long a connection may stay without a request or a sign of life.
const IDLE: Duration = Duration::from_secs(30);

/// Requests of one connection at the same time.
const STREAMS: u32 = 64;

/// How long open requests may take at the end.
const GRACE: Duration = Duration::from_secs(5);

/// A certificate that expires within this time, in seconds, is worth a warning: 21 days.
const EXPIRES_SOON: i64 = 21 * 24 * 3600;

/// How often the warning is repeated.
const WARN_EVERY: Duration = Duration::from_hours(24);

/// How the webhook is served.
pub(crate) struct Serving {
    listener: TcpListener,
    folder: PathBuf,
    ready_before_trust: bool,
}

impl Serving {
    /// Takes the socket, so that callers wait rather than fail until there is a certificate. `None`
    /// when no webhook is wanted.
    ///
    /// # Errors
    /// When the port is in use.
    pub(crate) fn bind(args: &Args) -> anyhow::Result<Option<Self>> {
        let (Some(address), Some(folder)) = (args.webhook_listen, &args.webhook_certificate) else {
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
            folder: folder.clone(),
            ready_before_trust: args.ready_before_trust,
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
        let mut rounds = Rounds {
            folder: self.folder,
            ready_before_trust: self.ready_before_trust,
            loaded: Pair::default(),
            expiry: None,
            warned: None,
        };
        let config = loop {
            match rounds.first(&context).await {
                Ok(config) => break config,
                Err(error) => tracing::warn!(%error, "no serving certificate yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = stop.cancelled() => return Ok(()),
            }
        };
        let handle = Handle::<SocketAddr>::new();
        let router = webhook::router(Arc::clone(&context));
        let mut socket = axum_server::from_tcp_rustls(self.listener, config.clone())?;
        let builder = socket.http_builder();
        builder.http1().header_read_timeout(IDLE);
        builder
            .http2()
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(IDLE)
            .keep_alive_timeout(IDLE);
        let socket = socket
            .handle(handle.clone())
            .serve(router.into_make_service());
        let rounds = async {
            tokio::select! {
                () = rounds.run(&context, &config) => {}
                () = stop.cancelled() => {}
            }
            handle.graceful_shutdown(Some(GRACE));
        };
        let (served, ()) = tokio::join!(socket, rounds);
        served.context("the socket of the webhook failed")
    }
}

/// What is repeated while the socket serves.
struct Rounds {
    folder: PathBuf,
    ready_before_trust: bool,
    loaded: Pair,
    /// When the loaded certificate expires, in seconds since 1970.
    expiry: Option<i64>,
    warned: Option<Instant>,
}

impl Rounds {
    async fn first(&mut self, context: &Context) -> Result<RustlsConfig, Error> {
        let pair = Pair::read(&self.folder)?;
        let config = pair.config().await?;
        self.serves(context, pair);
        Ok(config)
    }

    async fn run(&mut self, context: &Context, config: &RustlsConfig) {
        loop {
            let pause = match self.round(context, config).await {
                Ok(()) if context.webhook.is_reached() => ROUND,
                Ok(()) => SOON,
                Err(error) => {
                    tracing::warn!(%error, "failed to keep the webhook serving, retrying");
                    RETRY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows the certificate's files, and finds out once that the API server reaches the webhook.
    async fn round(&mut self, context: &Context, config: &RustlsConfig) -> Result<(), Error> {
        let pair = Pair::read(&self.folder)?;
        if pair != self.loaded {
            config.reload_from_config(pair.config().await?.get_inner());
            self.serves(context, pair);
            tracing::info!("serving certificate reloaded");
        }
        self.warn();
        if context.webhook.is_reached() {
            return Ok(());
        }
        match probe::run(&context.client, &context.settings.namespace).await? {
            Reach::Reached => {
                context.webhook.set_reached();
                tracing::info!("the API server reaches the webhook");
            }
            Reach::Untrusted => {
                tracing::debug!("the API server does not trust the serving certificate yet");
                if self.ready_before_trust {
                    context.webhook.set_ready();
                }
            }
            Reach::NotCalled => tracing::debug!("the API server does not call the webhook yet"),
        }
        Ok(())
    }

    fn serves(&mut self, context: &Context, pair: Pair) {
        self.expiry = pair.expiry();
        if let Some(expiry) = self.expiry {
            context.metrics.certificate_expires(expiry);
        }
        self.loaded = pair;
        self.warned = None;
    }

    fn warn(&mut self) {
        let Some(expiry) = self.expiry else { return };
        let left = expiry - Timestamp::now().as_second();
        let is_due = self
            .warned
            .is_none_or(|warned| warned.elapsed() > WARN_EVERY);
        if left < EXPIRES_SOON && is_due {
            let days = left / (24 * 3600);
            tracing::warn!(days, "the serving certificate of the webhook expires soon");
            self.warned = Some(Instant::now());
        }
    }
}
