//! The cluster and the user that a kubeconfig selects, validated.

use std::path::PathBuf;

use extension_registry_core::diagnostic::Failure;
use http::Uri;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::credentials::Credentials;
use crate::kubeconfig::{Cluster, Impersonate, Kubeconfig, User};
use crate::options::{Address, Options};
use crate::pem;
use crate::plugin::ClusterInfo;
use crate::proxy::{Proxy, ProxyKind};
use crate::server;

/// Everything that a client needs.
pub(crate) struct Target {
    pub(crate) context: Option<String>,
    pub(crate) url: Uri,
    pub(crate) namespace: String,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) trust: Trust,
    pub(crate) identity: Option<Identity>,
    pub(crate) credentials: Credentials,
    pub(crate) impersonate: Impersonate,
}

/// What a server certificate is verified against.
pub(crate) struct Trust {
    pub(crate) roots: Roots,
    /// Name to verify instead of the host of the URL.
    pub(crate) server_name: Option<ServerName<'static>>,
    /// Name of the cluster in the kubeconfig, for hints.
    pub(crate) cluster: Option<String>,
}

/// Certificate authorities.
pub(crate) enum Roots {
    /// Those of the operating system.
    System,
    /// Those of the kubeconfig.
    Given(Vec<CertificateDer<'static>>),
    /// Those of a file, which may change.
    File(PathBuf),
    /// None: certificates are not verified.
    Unverified,
}

/// A client certificate.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// Where it comes from, for errors, such as the user.
    pub(crate) source: String,
}

/// Returns the names of a map as a hint: `available contexts: a, b`.
fn available(what: &str, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.take(10).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("available {what}: {}", names.join(", "))
}

impl Target {
    /// Selects a context of a kubeconfig.
    pub(crate) fn select(
        kubeconfig: &Kubeconfig,
        options: &Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let name = options.context.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| kubeconfig.current_context.clone());
        let contexts = || available("contexts", kubeconfig.contexts.keys().cloned());
        if name.is_empty() {
            return Err(Failure::new("the kubeconfig has no current context")
                .hint("select one with `kubectl config use-context NAME`, or pass --context NAME")
                .hint(contexts()));
        }
        let context = kubeconfig.contexts.get(&name).ok_or_else(|| {
            Failure::new(format!("context `{name}` not found in the kubeconfig")).hint(contexts())
        })?;
        let cluster = kubeconfig.clusters.get(&context.cluster).ok_or_else(|| {
            let clusters = available("clusters", kubeconfig.clusters.keys().cloned());
            let message = if context.cluster.is_empty() {
                format!("context `{name}` names no cluster")
            } else {
                format!(
                    "cluster `{}` of context `{name}` not found in the kubeconfig",
                    context.cluster
                )
            };
            Failure::new(message)
                .hint(format!(
                    "set one with `kubectl config set-context {name} --cluster=NAME`"
                ))
                .hint(clusters)
        })?;
        let default = User::default();
        let user = match kubeconfig.users.get(&context.user) {
            Some(user) => user,
            None if context.user.is_empty() => &default,
            None => {
                let users = available("users", kubeconfig.users.keys().cloned());
                let message = format!(
                    "user `{}` of context `{name}` not found in the kubeconfig",
                    context.user
                );
                return Err(Failure::new(message)
                    .hint(format!(
                        "set one with `kubectl config set-context {name} --user=NAME`"
                    ))
                    .hint(users));
            }
        };
        let (url, login) = server::parse(&cluster.server)
            .map_err(|failure| of("cluster", &context.cluster, failure))?;
        let proxy = if cluster.proxy.is_empty() {
            Proxy::of_environment(&url, variable)?
        } else {
            let source = format!("`proxy-url` of cluster `{}`", context.cluster);
            Some(Proxy::parse(&cluster.proxy, &source)?)
        };
        let secure_proxy = proxy
            .as_ref()
            .is_some_and(|proxy| proxy.kind == ProxyKind::Https);
        let trust = trust(&context.cluster, cluster, &url, secure_proxy)
            .map_err(|failure| of("cluster", &context.cluster, failure))?;
        let info = || ClusterInfo::of(cluster, &url);
        let (identity, credentials) = user_of(&context.user, user, login, info)
            .map_err(|failure| of("user", &context.user, failure))?;
        if url.scheme_str() == Some("http") && !(credentials.is_none() && identity.is_none()) {
            return Err(Failure::new(format!(
                "user `{}` has credentials, which are not sent to {url} without TLS",
                context.user
            ))
            .hint(format!(
                "use an https server in cluster `{}`, or a context without a user",
                context.cluster
            )));
        }
        Ok(Self {
            context: Some(name),
            url,
            namespace: Some(context.namespace.clone())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "default".to_owned()),
            proxy,
            trust,
            identity,
            credentials,
            impersonate: user.impersonate.clone(),
        })
    }

    /// Returns the address, for messages.
    pub(crate) fn address(&self) -> Address {
        Address {
            url: self.url.to_string().trim_end_matches('/').to_owned(),
            context: self.context.clone(),
            proxy: self
                .proxy
                .as_ref()
                .map(|proxy| proxy.address.to_string().trim_end_matches('/').to_owned()),
        }
    }
}

fn of(what: &str, name: &str, failure: Failure) -> Failure {
    Failure::new(format!("invalid {what} `{name}` in the kubeconfig")).caused_by(failure)
}

/// Returns what the certificate of the server is verified against.
fn trust(name: &str, cluster: &Cluster, url: &Uri, secure_proxy: bool) -> Result<Trust, Failure> {
    let given = &cluster.authority;
    if given.file.is_some() && !given.inline.is_empty() {
        return Err(Failure::new(
            "`certificate-authority` and `certificate-authority-data` are both set",
        )
        .hint("remove one of them"));
    }
    let roots = if url.scheme_str() == Some("http") && !secure_proxy {
        Roots::Given(Vec::new())
    } else if url.scheme_str() == Some("http") {
        Roots::System
    } else if cluster.skip_verification {
        if !given.is_empty() {
            return Err(Failure::new(
                "`certificate-authority` and `insecure-skip-tls-verify` are both set",
            )
            .hint("remove one of them"));
        }
        Roots::Unverified
    } else if given.is_empty() {
        Roots::System
    } else {
        let certificates = pem::certificates(&pem::load(given)?);
        if certificates.is_empty() {
            let field = given.field.trim_end_matches("-data");
            return Err(
                Failure::new(format!("field `{field}` contains no certificate"))
                    .hint("a certificate in PEM form starts with `-----BEGIN CERTIFICATE-----`"),
            );
        }
        Roots::Given(certificates)
    };
    let server_name = Some(&cluster.server_name).filter(|name| !name.is_empty());
    let server_name = server_name.map(|name| {
        ServerName::try_from(name.clone()).map_err(|_| {
            Failure::new(format!(
                "`tls-server-name` `{name}` is not a valid host name"
            ))
        })
    });
    Ok(Trust {
        roots,
        server_name: server_name.transpose()?,
        cluster: Some(name.to_owned()),
    })
}

/// Returns the client certificate and the other credentials of a user.
fn user_of(
    name: &str,
    user: &User,
    login: Option<Credentials>,
    info: impl Fn() -> Result<ClusterInfo, Failure>,
) -> Result<(Option<Identity>, Credentials), Failure> {
    for data in [&user.certificate, &user.key] {
        if data.file.is_some() && !data.inline.is_empty() {
            let field = data.field.trim_end_matches("-data");
            return Err(
                Failure::new(format!("`{field}` and `{}` are both set", data.field))
                    .hint("remove one of them"),
            );
        }
    }
    let asked = &user.impersonate;
    if asked.user.is_empty()
        && !(asked.uid.is_empty() && asked.groups.is_empty() && asked.extra.is_empty())
    {
        return Err(Failure::new(
            "`as-uid`, `as-groups` and `as-user-extra` require `as`",
        ));
    }
    let identity = if user.certificate.is_empty() {
        None
    } else {
        if user.key.is_empty() {
            return Err(
                Failure::new("`client-certificate` is set without `client-key`")
                    .hint("set `client-key` to the file with its private key"),
            );
        }
        let chain = pem::certificates(&pem::load(&user.certificate)?);
        if chain.is_empty() {
            let field = user.certificate.field.trim_end_matches("-data");
            return Err(
                Failure::new(format!("field `{field}` contains no certificate"))
                    .hint("a certificate in PEM form starts with `-----BEGIN CERTIFICATE-----`"),
            );
        }
        let field = user.key.field.trim_end_matches("-data");
        Some(Identity {
            chain,
            key: pem::private_key(&pem::load(&user.key)?, field)?,
            source: format!("user `{name}`"),
        })
    };
    let credentials = match Credentials::of(user, info)? {
        credentials if credentials.is_none() => login.unwrap_or(credentials),
        credentials => credentials,
    };
    Ok((identity, credentials))
}
