//! Creates clients.

use std::env;
use std::path::Path;

use extension_registry_core::diagnostic::Failure;
use http::Uri;
use hyper::rt::{Read, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection as Connected, HttpConnector};
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use rustls::ClientConfig;
use tower::filter::AsyncFilterLayer;
use tower::retry::RetryLayer;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use crate::credentials::{Authorize, Credentials, bearer};
use crate::files::Files;
use crate::in_cluster;
use crate::options::{Address, Options};
use crate::pem;
use crate::plugin::Issued;
use crate::proxy::{Proxy, ProxyKind};
use crate::target::{Identity, Target};
use crate::tls;

/// A client of a cluster.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Namespace of the context.
    pub namespace: String,
}

/// Connects to the cluster of a kubeconfig, or, if no kubeconfig exists, to that of the Pod.
///
/// Nothing is sent yet, but an exec plugin is run.
///
/// # Errors
/// If the kubeconfig or what it refers to is not usable, or an exec plugin fails.
pub async fn connect(options: &Options) -> Result<Connection, Failure> {
    let mut target = target(options)?;
    if let Some(token) = &options.token {
        bearer(token, "the request")?;
        target.identity = None;
        target.credentials = Credentials::Token(token.clone());
    }
    let namespace = target.namespace.clone();
    let client = client(target, options).await?;
    Ok(Connection { client, namespace })
}

/// Returns the address of the API server, for messages.
///
/// # Errors
/// Like [`connect`], but no plugin is run.
pub fn address(options: &Options) -> Result<Address, Failure> {
    target(options).map(|target| target.address())
}

/// Finds the cluster and the user.
fn target(options: &Options) -> Result<Target, Failure> {
    let text = |name: &str| env::var(name).ok();
    let has_token = options.token.is_some();
    let in_cluster = || in_cluster::find(Path::new(in_cluster::SERVICE_ACCOUNT), has_token, text);
    let files = match Files::find(options.kubeconfig.as_deref(), |name| env::var_os(name)) {
        Ok(files) => files,
        Err(failure) => return in_cluster()?.ok_or(failure),
    };
    match files.read()? {
        Some(kubeconfig) => Target::select(&kubeconfig, options, text),
        None => in_cluster()?.ok_or_else(|| files.missing()),
    }
}

/// Runs the exec plugin, if there is one, and creates the client.
async fn client(mut target: Target, options: &Options) -> Result<Client, Failure> {
    let mut token = None;
    let mut valid_until = None;
    if let Credentials::Plugin(runner) = &target.credentials {
        let issued = runner.run().await?;
        if target.identity.is_none() {
            target.identity = issued_identity(&issued, &runner.name())?;
            if target.identity.is_some() && issued.token.is_none() {
                valid_until = issued.expiry;
            }
        }
        token = issued.token.map(|token| (token, issued.expiry));
    }
    let tls = tls::config(&target.trust, target.identity.take())?;
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    let Some(proxy) = target.proxy.clone() else {
        return finish(plain, target, &tls, token, valid_until, options);
    };
    let address = proxy.address.clone();
    match proxy.kind {
        ProxyKind::Http => {
            let tunnel = authorized(Tunnel::new(address, plain), &proxy)?;
            finish(tunnel, target, &tls, token, valid_until, options)
        }
        ProxyKind::Https => {
            let secure = https(plain, &tls);
            let tunnel = authorized(Tunnel::new(address, secure), &proxy)?;
            finish(tunnel, target, &tls, token, valid_until, options)
        }
        ProxyKind::Socks5 => {
            let mut socks = SocksV5::new(address, plain);
            if let Some((user, password)) = proxy.credentials {
                if user.len() > 255 || password.reveal().len() > 255 {
                    return Err(Failure::new(
                        "the credentials of the socks5 proxy are longer than 255 characters",
                    ));
                }
                socks = socks.with_auth(user, password.reveal().to_owned());
            }
            finish(socks, target, &tls, token, valid_until, options)
        }
    }
}

/// Returns the client certificate of an exec plugin.
fn issued_identity(issued: &Issued, plugin: &str) -> Result<Option<Identity>, Failure> {
    let Some((certificate, key)) = &issued.certificate else {
        return Ok(None);
    };
    let chain = pem::certificates(certificate.as_bytes());
    if chain.is_empty() {
        return Err(Failure::new(format!(
            "the clientCertificateData of {plugin} contains no certificate"
        )));
    }
    let field = format!("clientKeyData` of {plugin}");
    Ok(Some(Identity {
        chain,
        key: pem::private_key(key.reveal().as_bytes(), field.trim_end_matches('`'))?,
        source: plugin.to_owned(),
    }))
}

/// Adds the credentials of a proxy.
fn authorized<C>(tunnel: Tunnel<C>, proxy: &Proxy) -> Result<Tunnel<C>, Failure> {
    let Some((user, password)) = &proxy.credentials else {
        return Ok(tunnel);
    };
    let header = crate::credentials::basic(user, password)
        .map_err(|_| Failure::new("invalid user name or password of the proxy"))?;
    Ok(tunnel.with_auth(header))
}

fn https<C>(connector: C, tls: &ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector)
}

/// Assembles the layers of a client.
fn finish<C>(
    connector: C,
    target: Target,
    tls: &ClientConfig,
    token: Option<(
        extension_registry_core::sensitive::Sensitive,
        Option<Timestamp>,
    )>,
    valid_until: Option<Timestamp>,
    options: &Options,
) -> Result<Client, Failure>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connected + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let mut config = Config::new(target.url);
    config.default_namespace = target.namespace;
    let asked = target.impersonate;
    let info = &mut config.auth_info;
    if let Some(user) = &options.user {
        info.impersonate = Some(user.clone());
        info.impersonate_groups = Some(options.groups.clone());
    } else if !asked.user.is_empty() {
        info.impersonate = Some(asked.user);
        info.impersonate_uid = Some(asked.uid).filter(|uid| !uid.is_empty());
        info.impersonate_groups = Some(asked.groups);
        info.impersonate_user_extra = Some(asked.extra.into_iter().collect());
    }
    let headers = config
        .extra_headers_layer()
        .map_err(|_| Failure::new("the name of a user or group to impersonate is invalid"))?;

    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http();
    if let Some(name) = target.trust.server_name {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let mut connector = TimeoutConnector::new(builder.enable_http1().wrap_connector(connector));
    let timeout = options.timeout.filter(|time| !time.is_zero());
    connector.set_connect_timeout(match options.timeout {
        Some(_) => timeout,
        None => config.connect_timeout,
    });
    connector.set_read_timeout(timeout);
    connector.set_write_timeout(config.write_timeout);
    let http = legacy::Builder::new(TokioExecutor::new()).build::<_, Body>(connector);

    let authorize = Authorize::new(target.credentials, token)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(RetryLayer::new(RetryPolicy::server_retry()))
        .layer(AsyncFilterLayer::new(authorize))
        .layer(headers)
        .map_err(BoxError::from)
        .service(http);
    Ok(
        ClientBuilder::new(service.boxed(), config.default_namespace)
            .with_valid_until(valid_until)
            .build(),
    )
}
