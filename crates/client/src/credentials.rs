//! Credentials of a user, and the header that they become.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extension_registry_core::diagnostic::Failure;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tower::BoxError;
use tower::filter::AsyncPredicate;

use crate::kubeconfig::{Provider, User};
use crate::plugin::{ClusterInfo, Runner};
use extension_registry_core::sensitive::Sensitive;

/// How often a token file is read again.
const REREAD: Duration = Duration::from_mins(1);

/// Credentials other than a client certificate.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// None.
    Anonymous,
    /// A name and a password.
    Basic(String, Sensitive),
    /// A token.
    Token(Sensitive),
    /// A file with a token, and the token to use while the file cannot be read.
    File(PathBuf, Option<Sensitive>),
    /// A program that returns a token or a client certificate.
    Plugin(Runner),
}

impl Credentials {
    /// Returns the credentials of a user, in the order of client-go.
    pub(crate) fn of(
        user: &User,
        cluster: impl Fn() -> Result<ClusterInfo, Failure>,
    ) -> Result<Self, Failure> {
        let is_basic = !(user.username.is_empty() && user.password.is_empty());
        if is_basic && !user.token.is_empty() {
            return Err(
                Failure::new("`token` and `username` are both set").hint("remove one of them")
            );
        }
        if user.provider.is_some() && user.plugin.is_some() {
            return Err(
                Failure::new("`auth-provider` and `exec` are both set").hint("remove one of them")
            );
        }
        // The plugin is checked even if a token makes it unnecessary, as kubectl does.
        let plugin = user
            .plugin
            .as_ref()
            .map(|plugin| {
                let cluster = plugin.wants_cluster.then(&cluster).transpose()?;
                Runner::new(plugin.clone(), cluster)
            })
            .transpose()?;
        let token = Some(user.token.clone()).filter(|token| !token.is_empty());
        if let Some(token) = &token {
            bearer(token, "field `token`")?;
        }
        if let Some(path) = &user.token_file {
            return Ok(Self::File(path.clone(), token));
        }
        if let Some(token) = token {
            return Ok(Self::Token(token));
        }
        if is_basic {
            return Ok(Self::Basic(user.username.clone(), user.password.clone()));
        }
        if let Some(provider) = &user.provider {
            return provided(provider).map(Self::Token);
        }
        Ok(plugin.map_or(Self::Anonymous, Self::Plugin))
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::Anonymous)
    }
}

/// Returns the token of an `auth-provider`.
fn provided(provider: &Provider) -> Result<Sensitive, Failure> {
    let name = &provider.name;
    if name != "oidc" {
        return Err(
            Failure::new(format!("unsupported `auth-provider` `{name}`"))
                .hint("use an exec plugin instead, e.g. `gke-gcloud-auth-plugin` or `kubelogin`"),
        );
    }
    let token = &provider.id_token;
    if token.is_empty() {
        return Err(Failure::new("`auth-provider` `oidc` has no `id-token`")
            .hint("log in to the identity provider, or use an exec plugin"));
    }
    bearer(token, "field `id-token`")?;
    if expiry(token.reveal()).is_some_and(|time| time <= Timestamp::now().as_second()) {
        return Err(
            Failure::new("the `id-token` of `auth-provider` `oidc` has expired")
                .hint("run `kubectl version`, which requests a new token"),
        );
    }
    Ok(token.clone())
}

/// Returns the expiry of a JSON Web Token in seconds since 1970.
fn expiry(token: &str) -> Option<i64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims.get("exp")?.as_i64()
}

/// Returns the header of a token. `source` is named in errors.
pub(crate) fn bearer(token: &Sensitive, source: &str) -> Result<HeaderValue, Failure> {
    let token = token.reveal();
    let header = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut header = header.map_err(|_| {
        if token.contains(['\n', '\r']) {
            Failure::new(format!("the token of {source} contains a line break"))
                .hint("remove the line break")
        } else {
            Failure::new(format!("the token of {source} contains control characters"))
                .hint("copy the token again")
        }
    })?;
    header.set_sensitive(true);
    Ok(header)
}

pub(crate) fn basic(user: &str, password: &Sensitive) -> Result<HeaderValue, Failure> {
    let text = STANDARD.encode(format!("{user}:{}", password.reveal()));
    let header = HeaderValue::from_str(&format!("Basic {text}"));
    let mut header = header.map_err(|_| Failure::new("invalid `username` or `password`"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Reads a token file. White space around the token is ignored.
fn read(path: &Path) -> Result<HeaderValue, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(format!(
            "failed to read token file {}: {error}",
            path.display()
        ))
    })?;
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::new(format!(
            "token file {} is empty",
            path.display()
        )));
    }
    bearer(
        &Sensitive::new(token),
        &format!("token file {}", path.display()),
    )
}

/// Sets the header of requests.
#[derive(Clone)]
pub(crate) struct Authorize(Arc<Source>);

enum Source {
    None,
    Fixed(HeaderValue),
    File(PathBuf, Mutex<(HeaderValue, Instant)>),
    Plugin(Runner, Mutex<(HeaderValue, Timestamp)>),
}

impl Authorize {
    /// Prepares the header. A plugin is run by the caller, who passes its token and the expiry of that.
    pub(crate) fn new(
        credentials: Credentials,
        of_plugin: Option<(Sensitive, Option<Timestamp>)>,
    ) -> Result<Self, Failure> {
        let source = match credentials {
            Credentials::Anonymous => Source::None,
            Credentials::Basic(user, password) => Source::Fixed(basic(&user, &password)?),
            Credentials::Token(token) => Source::Fixed(bearer(&token, "field `token`")?),
            Credentials::File(path, fallback) => {
                let header = match (read(&path), fallback) {
                    (Ok(header), _) => header,
                    (Err(_), Some(token)) => bearer(&token, "field `token`")?,
                    (Err(failure), None) => return Err(failure),
                };
                Source::File(path, Mutex::new((header, Instant::now())))
            }
            Credentials::Plugin(runner) => match of_plugin {
                None => Source::None,
                Some((token, expiry)) => {
                    let header = bearer(&token, &runner.name())?;
                    match expiry {
                        None => Source::Fixed(header),
                        Some(expiry) => Source::Plugin(runner, Mutex::new((header, expiry))),
                    }
                }
            },
        };
        Ok(Self(Arc::new(source)))
    }

    async fn header(&self) -> Result<Option<HeaderValue>, Failure> {
        match &*self.0 {
            Source::None => Ok(None),
            Source::Fixed(header) => Ok(Some(header.clone())),
            Source::File(path, last) => {
                let mut last = last.lock().await;
                if last.1.elapsed() > REREAD {
                    // While the file cannot be read, the last token is used.
                    if let Ok(header) = read(path) {
                        last.0 = header;
                    }
                    last.1 = Instant::now();
                }
                Ok(Some(last.0.clone()))
            }
            Source::Plugin(runner, last) => {
                let mut last = last.lock().await;
                if Timestamp::now() >= last.1 {
                    let issued = runner.run().await?;
                    let Some(token) = issued.token else {
                        return Err(Failure::new(format!("{} returned no token", runner.name())));
                    };
                    let header = bearer(&token, &runner.name())?;
                    *last = (header, issued.expiry.unwrap_or(Timestamp::MAX));
                }
                Ok(Some(last.0.clone()))
            }
        }
    }
}

impl<B: Send + 'static> AsyncPredicate<Request<B>> for Authorize {
    type Future = Pin<Box<dyn Future<Output = Result<Request<B>, BoxError>> + Send>>;
    type Request = Request<B>;

    fn check(&mut self, mut request: Request<B>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            if let Some(header) = own.header().await? {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            Ok(request)
        })
    }
}
