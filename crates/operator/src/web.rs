//! The task `web`: serves the pages of the registry to users with a bearer token of the cluster.
//!
//! The API server is asked with the token of the user, never with that of the Pod.

use std::net::SocketAddr;

use anyhow::Context;
use extension_registry_client::{Options, connect};
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::Settings;
use extension_registry_web::access::{Access, Caller};
use extension_registry_web::{ClusterSource, Site, Source};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Options of the task.
#[derive(Clone, Debug, clap::Args)]
pub struct WebArgs {
    /// Address to listen on; a proxy in front of it must provide TLS
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub address: SocketAddr,

    /// Name of the cluster in the pages
    #[arg(long, default_value = "this cluster")]
    pub name: String,

    /// Namespace to read for users who may not list all namespaces, and have not chosen one
    #[arg(long, default_value = "default")]
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
}

/// Serves the pages until `stop`.
///
/// # Errors
/// If the address is not available, or the server fails.
pub async fn run(args: WebArgs, stop: CancellationToken) -> anyhow::Result<()> {
    let settings = Settings {
        zone: args.zone.clone(),
        records_namespace: args.records_namespace.clone(),
        ..Settings::default()
    };
    let source = ClusterSource::new(args.name, args.namespace, settings, |caller| {
        let token = match caller {
            Caller::Token { token, .. } => Some(token.clone()),
            Caller::Owner => None,
        };
        Box::pin(async move {
            // Without a token, the client would use that of the Pod.
            let token = token.ok_or_else(|| Failure::new("the request has no token"))?;
            let options = Options {
                token: Some(token),
                ..Options::default()
            };
            Ok(connect(&options).await?.client)
        })
    });
    let listener = TcpListener::bind(args.address).await;
    let listener = listener.with_context(|| format!("failed to listen on {}", args.address))?;
    tracing::info!(address = %listener.local_addr()?, "serving pages");
    let site = Site::new(Source::Cluster(source), Access::Forwarded);
    site.serve(listener, None, stop.cancelled_owned())
        .await
        .context("the server failed")
}
