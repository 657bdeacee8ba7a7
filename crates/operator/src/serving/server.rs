//! Serves the webhook over TLS, reloads its certificate and probes whether the API server reaches it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use extension_registry_core::diagnostic::explained;
use extension_registry_runtime::error::Error;
use k8s_openapi::jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::context::Context;
use crate::serving::certificate::ServingCertificate;
use crate::serving::probe::{self, Reachability};
use crate::webhook;

/// Interval at which the certificate files are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_secs(15);

/// Interval until the API server reaches the webhook.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// Delay after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Idle time after which a connection is closed or checked.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum number of concurrent requests of a connection.
const MAX_STREAMS: u32 = 64;

/// Time to finish open requests on shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Remaining validity in seconds below which a warning is logged: 21 days.
const EXPIRY_WARNING: i64 = 21 * 24 * 3600;

/// Interval at which the warning is repeated.
const WARNING_INTERVAL: Duration = Duration::from_hours(24);

/// The webhook server, bound but not started.
pub(crate) struct WebhookServer {
    listener: TcpListener,
    directory: PathBuf,
    ready_before_trust: bool,
}

impl WebhookServer {
    /// Binds the socket, so that early connections wait for the certificate instead of failing. Returns
    /// `None` if the webhook is disabled.
    ///
    /// # Errors
    /// If the port is in use.
    pub(crate) fn bind(args: &Args) -> anyhow::Result<Option<Self>> {
        let (Some(address), Some(directory)) = (args.webhook_listen, &args.webhook_certificate)
        else {
            return Ok(None);
        };
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| {
                explained(
                    &format!("failed to listen on {address}"),
                    &["choose another address with --webhook-listen"],
                )
            })?;
        tracing::info!(address = %listener.local_addr()?, "serving the webhook");
        Ok(Some(Self {
            listener,
            directory: directory.clone(),
            ready_before_trust: args.ready_before_trust,
        }))
    }

    /// Starts the server; it runs until the token is cancelled.
    pub(crate) fn start(
        self,
        context: &Arc<Context>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let (context, stop) = (Arc::clone(context), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = self.serve(context, stop).await {
                tracing::error!(%error, "webhook server failed");
            }
        });
    }

    async fn serve(self, context: Arc<Context>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut manager = CertificateManager {
            directory: self.directory,
            ready_before_trust: self.ready_before_trust,
            loaded: ServingCertificate::default(),
            expiry: None,
            warned: None,
        };
        let config = loop {
            match manager.load(&context).await {
                Ok(config) => break config,
                Err(error) => tracing::warn!(%error, "waiting for the serving certificate"),
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
        builder.http1().header_read_timeout(IDLE_TIMEOUT);
        builder
            .http2()
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(IDLE_TIMEOUT)
            .keep_alive_timeout(IDLE_TIMEOUT);
        let socket = socket
            .handle(handle.clone())
            .serve(router.into_make_service());
        let maintenance = async {
            tokio::select! {
                () = manager.run(&context, &config) => {}
                () = stop.cancelled() => {}
            }
            handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
        };
        let (served, ()) = tokio::join!(socket, maintenance);
        served.context("failed to serve the webhook")
    }
}

/// Reloads the certificate and probes the webhook while the server runs.
struct CertificateManager {
    directory: PathBuf,
    ready_before_trust: bool,
    loaded: ServingCertificate,
    /// Expiry of the loaded certificate, in seconds since the Unix epoch.
    expiry: Option<i64>,
    /// Time of the last expiry warning.
    warned: Option<Instant>,
}

impl CertificateManager {
    async fn load(&mut self, context: &Context) -> Result<RustlsConfig, Error> {
        let certificate = ServingCertificate::read(&self.directory)?;
        let config = certificate.config().await?;
        self.set_loaded(context, certificate);
        Ok(config)
    }

    async fn run(&mut self, context: &Context, config: &RustlsConfig) {
        loop {
            let pause = match self.check(context, config).await {
                Ok(()) if context.webhook.is_reached() => RELOAD_INTERVAL,
                Ok(()) => PROBE_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "failed to check the webhook, retrying");
                    RETRY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Reloads changed certificate files and, until it succeeds once, probes the webhook.
    async fn check(&mut self, context: &Context, config: &RustlsConfig) -> Result<(), Error> {
        let certificate = ServingCertificate::read(&self.directory)?;
        if certificate != self.loaded {
            config.reload_from_config(certificate.config().await?.get_inner());
            self.set_loaded(context, certificate);
            tracing::info!("serving certificate reloaded");
        }
        self.warn_before_expiry();
        if context.webhook.is_reached() {
            return Ok(());
        }
        match probe::run(&context.client, &context.settings.namespace).await? {
            Reachability::Reached => {
                context.webhook.set_reached();
                tracing::info!("the API server can reach the webhook");
            }
            Reachability::Untrusted => {
                tracing::debug!("the API server does not trust the serving certificate yet");
                if self.ready_before_trust {
                    context.webhook.set_ready();
                }
            }
            Reachability::NotCalled => {
                tracing::debug!("the API server is not calling the webhook yet");
            }
        }
        Ok(())
    }

    fn set_loaded(&mut self, context: &Context, certificate: ServingCertificate) {
        self.expiry = certificate.expiry();
        if let Some(expiry) = self.expiry {
            context.metrics.set_certificate_expiry(expiry);
        }
        self.loaded = certificate;
        self.warned = None;
    }

    fn warn_before_expiry(&mut self) {
        let Some(expiry) = self.expiry else { return };
        let left = expiry - Timestamp::now().as_second();
        let is_due = self
            .warned
            .is_none_or(|warned| warned.elapsed() > WARNING_INTERVAL);
        if left < EXPIRY_WARNING && is_due {
            let days = left / (24 * 3600);
            tracing::warn!(days, "webhook serving certificate expires soon");
            self.warned = Some(Instant::now());
        }
    }
}
