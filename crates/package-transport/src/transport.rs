//! HTTP client for repositories: https except for loopback addresses, credentials that stay with their host,
//! and retries that respect `Retry-After`.
//!
//! A call is one request with its retries and redirects. The caller interprets the response status; 401 is not
//! handled specially.

mod body;
mod call;
pub mod challenge;
mod encoding;
mod error;
mod http_cache;
mod retry;
mod watch;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use body::{Answer, Body};
pub use call::Call;
pub use encoding::{Inflater, is_html};
use error::reason;
pub use error::{Error, host, is_loopback};
use http_cache::HttpCache;
use reqwest::header::{AUTHORIZATION, IF_NONE_MATCH, LOCATION};
use reqwest::redirect;
use reqwest::{Method, StatusCode};
use url::Url;
pub use watch::{Sent, watched};

/// Maximum number of redirects of one call.
const REDIRECTS: usize = 5;
/// Limit for establishing a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Settings of a [`Transport`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait for the response headers, and then for each part of the body.
    pub timeout: Duration,
    /// Number of retries.
    pub retries: usize,
    /// Whether `http` is allowed for addresses other than loopback.
    pub insecure: bool,
    /// Additional certificate authorities, as PEM.
    pub authorities: Vec<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retries: 3,
            insecure: false,
            authorities: Vec::new(),
        }
    }
}

/// Sends requests.
#[derive(Clone, Debug)]
pub struct Transport {
    client: reqwest::Client,
    /// For loopback addresses, without a proxy.
    loopback_client: reqwest::Client,
    settings: Settings,
    http_cache: Option<HttpCache>,
}

impl Transport {
    /// Creates a client. A crypto provider for rustls must be installed before.
    ///
    /// # Errors
    /// Returns an error if a certificate authority is invalid.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut authorities = Vec::new();
        for pem in &settings.authorities {
            let parsed = reqwest::Certificate::from_pem_bundle(pem);
            authorities.extend(parsed.map_err(|error| Error::SetUp(error.to_string()))?);
        }
        let builder = || {
            let builder = reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT.min(settings.timeout))
                .user_agent(concat!("extension-registry/", env!("CARGO_PKG_VERSION")));
            if authorities.is_empty() {
                builder
            } else {
                builder.tls_certs_merge(authorities.clone())
            }
        };
        let built = |builder: reqwest::ClientBuilder| {
            let client = builder.build();
            client.map_err(|error| Error::SetUp(error.to_string()))
        };
        Ok(Self {
            loopback_client: built(builder().no_proxy())?,
            client: built(builder())?,
            settings,
            http_cache: None,
        })
    }

    /// Enables the HTTP cache: small responses are stored in a folder and revalidated by their `ETag`.
    #[must_use]
    pub fn with_http_cache(mut self, folder: std::path::PathBuf) -> Self {
        self.http_cache = Some(HttpCache::new(folder));
        self
    }

    /// Sends a request, with retries and redirects.
    ///
    /// # Errors
    /// Returns an error if there is no response. A response with an error status is not an error.
    pub async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let mut url = call.url.clone();
        let mut with_credentials = call.authorization.is_some();
        for _ in 0..=REDIRECTS {
            self.allows(&url)?;
            let answer = self.send_cached(call, &url, with_credentials).await?;
            let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let reads = matches!(call.method, Method::GET | Method::HEAD);
            if !is_redirect || !reads {
                return Ok(answer);
            }
            let next = redirect_target(&url, answer.header(LOCATION.as_str()))?;
            // A credential is for one server only and is not sent again after a redirect elsewhere.
            with_credentials = with_credentials && next.origin() == url.origin();
            url = next;
        }
        Err(Error::Redirects(host(&call.url)))
    }

    /// Returns the cached response if the server confirms it, or the new one.
    async fn send_cached(
        &self,
        call: &Call,
        url: &Url,
        with_credentials: bool,
    ) -> Result<Answer, Error> {
        let Some(http_cache) = self
            .http_cache
            .as_ref()
            .filter(|_| HttpCache::is_for(call, url))
        else {
            return self.send_with_retries(call, url, with_credentials).await;
        };
        let timeout = self.settings.timeout;
        let Some(cached) = http_cache.cached(call, url) else {
            let answer = self.send_with_retries(call, url, with_credentials).await?;
            return http_cache.store(call, url, answer, timeout).await;
        };
        let asking = call.clone().header(IF_NONE_MATCH.as_str(), &cached.tag);
        let answer = self
            .send_with_retries(&asking, url, with_credentials)
            .await?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return cached.answer(url, timeout);
        }
        http_cache.store(call, url, answer, timeout).await
    }

    /// Checks whether an address may be used.
    ///
    /// # Errors
    /// Returns an error if it is unencrypted and not a loopback address, or not an http or https URL.
    pub fn allows(&self, url: &Url) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.settings.insecure || is_loopback(url) => Ok(()),
            "http" => Err(Error::Insecure(host(url))),
            scheme => Err(Error::InvalidAddress(format!("{scheme}://{}", host(url)))),
        }
    }

    /// Returns the delays between retries, for callers that resume an interrupted transfer.
    pub fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        retry::waits(self.settings.retries)
    }

    async fn send_with_retries(
        &self,
        call: &Call,
        url: &Url,
        with_credentials: bool,
    ) -> Result<Answer, Error> {
        let mut waits = retry::waits(self.settings.retries);
        loop {
            let outcome = self.send_once(call, url, with_credentials).await;
            let (retry_after, again) = match &outcome {
                Ok(answer) => (
                    retry::retry_after(answer),
                    retry::is_transient(answer.status()),
                ),
                Err(Error::Unreachable { .. }) => (None, true),
                Err(_) => (None, false),
            };
            let Some(wait) = waits.next().filter(|_| again) else {
                return outcome;
            };
            let Some(wait) = retry::wait(wait, retry_after) else {
                return outcome;
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(
        &self,
        call: &Call,
        url: &Url,
        with_credentials: bool,
    ) -> Result<Answer, Error> {
        let client = if is_loopback(url) {
            &self.loopback_client
        } else {
            &self.client
        };
        let mut request = client
            .request(call.method.clone(), url.clone())
            .headers(call.headers.clone());
        if let Some(authorization) = call.authorization.as_ref().filter(|_| with_credentials) {
            let mut value = reqwest::header::HeaderValue::from_str(authorization.reveal())
                .map_err(|_| {
                    Error::SetUp(
                        "a credential contains characters that are not allowed in an HTTP header"
                            .to_owned(),
                    )
                })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let sent = call.sent.clone().unwrap_or_default();
        sent.store(0, Ordering::Relaxed);
        request = call.body.attach(request, &sent).await?;
        let timeout = self.settings.timeout;
        let outcome = match with_timeout(request.send(), &sent, timeout).await {
            Some(outcome) => outcome.map_err(|error| reason(&error)),
            None => Err(format!("no response within {timeout:?}")),
        };
        match outcome {
            Ok(response) => {
                let answer = Answer::new(response, host(url), timeout);
                if call.method == Method::GET && !call.is_streamed {
                    answer.whole().await
                } else {
                    Ok(answer)
                }
            }
            Err(why) => Err(Error::Unreachable {
                host: host(url),
                why,
            }),
        }
    }
}

/// Waits for a response. The timeout restarts while bytes are being sent: a large upload takes longer than a
/// response.
async fn with_timeout<T>(
    work: impl Future<Output = T>,
    sent: &AtomicU64,
    timeout: Duration,
) -> Option<T> {
    let mut work = pin!(work);
    let mut before = 0;
    loop {
        if let Ok(done) = tokio::time::timeout(timeout, &mut work).await {
            return Some(done);
        }
        let now = sent.load(Ordering::Relaxed);
        if now == before {
            return None;
        }
        before = now;
    }
}

/// Returns the target of a redirect, which must not go from https to http.
fn redirect_target(from: &Url, location: Option<&str>) -> Result<Url, Error> {
    let mut next = location
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| Error::Redirects(host(from)))?;
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(Error::Downgrade {
            from: host(from),
            to: host(&next),
        });
    }
    // A server must not choose our credentials for another one.
    if next.set_username("").is_err() || next.set_password(None).is_err() {
        return Err(Error::Redirects(host(from)));
    }
    Ok(next)
}

/// Returns whether a status is transient, so that the same request may succeed later (RFC 9110, section 15; RFC
/// 6585, section 4).
#[must_use]
pub fn is_transient(status: StatusCode) -> bool {
    retry::is_transient(status)
}

#[cfg(test)]
mod tests {
    use super::{Error, redirect_target};

    #[test]
    fn rejects_redirect_from_https_to_http() {
        let from = "https://one.example/a".parse().unwrap();
        let error = redirect_target(&from, Some("http://one.example/a?token=secret")).unwrap_err();
        assert!(matches!(error, Error::Downgrade { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        let there = redirect_target(&from, Some("/b")).unwrap();
        assert_eq!(there.as_str(), "https://one.example/b");
        let there = redirect_target(&from, Some("https://user:word@two.example/")).unwrap();
        assert_eq!(there.as_str(), "https://two.example/");
        assert!(matches!(
            redirect_target(&from, None),
            Err(Error::Redirects(_))
        ));
    }
}
