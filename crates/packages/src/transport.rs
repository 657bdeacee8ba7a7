//! HTTP as repositories need it: https except on this machine, credentials that stay with their host, tries
//! that wait as the server asks.
//!
//! One call is one request with all its tries and redirects. What an answer means is for the caller; 401 in
//! particular is an answer as any other.

mod body;
mod call;
mod kept;
mod retry;
mod watch;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use body::{Answer, Body};
pub use call::Call;
use kept::Kept;
use reqwest::header::{AUTHORIZATION, IF_NONE_MATCH, LOCATION};
use reqwest::redirect;
use reqwest::{Method, StatusCode};
use url::Url;
pub use watch::{Sent, watched};

/// Redirects that are followed for one call, at most.
const REDIRECTS: usize = 5;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How calls are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait for the head of an answer, and then for each part of its body.
    pub timeout: Duration,
    /// Tries after the first.
    pub retries: usize,
    /// Whether `http` is allowed beyond this machine.
    pub insecure: bool,
    /// Authorities of servers beside those of the system, as PEM.
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

/// Makes calls.
#[derive(Clone, Debug)]
pub struct Transport {
    client: reqwest::Client,
    /// For this machine: no proxy stands between.
    near: reqwest::Client,
    settings: Settings,
    kept: Option<Kept>,
}

/// Why there is no answer. It names the server, never a credential or a query.
#[derive(thiserror::Error, Debug)]
pub enum Error {
    /// An address is no address of the web.
    #[error("`{0}` is no http or https address")]
    NoAddress(String),
    /// Plain text to another machine.
    #[error(
        "http to {0} is refused: everybody on the way can read and change it; hint: use https, or set `insecure = true` for this repository"
    )]
    Insecure(String),
    /// A redirect leads to plain text.
    #[error("{from} leads to http on {to}, which is refused; hint: ask whoever runs the server")]
    Downgrade {
        /// The server that was asked.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// Redirects do not end, or lead nowhere.
    #[error("redirects of {0} lead nowhere")]
    Redirects(String),
    /// The server did not answer.
    #[error("{host} does not answer: {why}")]
    Unreachable {
        /// Its host and port.
        host: String,
        /// Why.
        why: String,
    },
    /// The answer ended too early, or is too long.
    #[error("the answer of {host} is broken: {why}")]
    Cut {
        /// Its host and port.
        host: String,
        /// Why.
        why: String,
    },
    /// A file to send cannot be read.
    #[error("failed to read {path}: {error}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It cannot be set up.
    #[error("failed to set up HTTP: {0}")]
    SetUp(String),
}

impl Transport {
    /// Sets it up. A provider for rustls has to be installed before.
    ///
    /// # Errors
    /// When an authority is no certificate.
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
            near: built(builder().no_proxy())?,
            client: built(builder())?,
            settings,
            kept: None,
        })
    }

    /// The same, which keeps small answers in a folder and asks for them again only if they changed (R63).
    #[must_use]
    pub fn keeping(mut self, folder: std::path::PathBuf) -> Self {
        self.kept = Some(Kept::new(folder));
        self
    }

    /// Makes a call: again where the server asks for it or does not answer, and where it leads.
    ///
    /// # Errors
    /// When there is no answer at all. An answer that refuses is an answer.
    pub async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let mut url = call.url.clone();
        let mut carries = call.authorization.is_some();
        for _ in 0..=REDIRECTS {
            self.allows(&url)?;
            let answer = self.unless_known(call, &url, carries).await?;
            let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let reads = matches!(call.method, Method::GET | Method::HEAD);
            if !is_redirect || !reads {
                return Ok(answer);
            }
            let next = leads(&url, answer.header(LOCATION.as_str()))?;
            // What is for one server is for no other, and does not come back.
            carries = carries && next.origin() == url.origin();
            url = next;
        }
        Err(Error::Redirects(host(&call.url)))
    }

    /// An answer that was kept, where the server says that it still holds; else what the server answers.
    async fn unless_known(&self, call: &Call, url: &Url, carries: bool) -> Result<Answer, Error> {
        let Some(kept) = self.kept.as_ref().filter(|_| Kept::is_for(call, url)) else {
            return self.tries(call, url, carries).await;
        };
        let timeout = self.settings.timeout;
        let Some(known) = kept.known(call, url) else {
            let answer = self.tries(call, url, carries).await?;
            return kept.keep(call, url, answer, timeout).await;
        };
        let asking = call.clone().header(IF_NONE_MATCH.as_str(), &known.tag);
        let answer = self.tries(&asking, url, carries).await?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return known.answer(url, timeout);
        }
        kept.keep(call, url, answer, timeout).await
    }

    /// Whether an address may be asked.
    ///
    /// # Errors
    /// When it is plain text beyond this machine, or no address of the web.
    pub fn allows(&self, url: &Url) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.settings.insecure || is_here(url) => Ok(()),
            "http" => Err(Error::Insecure(host(url))),
            scheme => Err(Error::NoAddress(format!("{scheme}://{}", host(url)))),
        }
    }

    /// Waits between tries, for whoever continues a transfer that was cut: as many as there are tries.
    pub fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        retry::waits(self.settings.retries)
    }

    async fn tries(&self, call: &Call, url: &Url, carries: bool) -> Result<Answer, Error> {
        let mut waits = retry::waits(self.settings.retries);
        loop {
            let outcome = self.once(call, url, carries).await;
            let (asked, again) = match &outcome {
                Ok(answer) => (retry::asked(answer), retry::is_passing(answer.status())),
                Err(Error::Unreachable { .. }) => (None, true),
                Err(_) => (None, false),
            };
            let Some(wait) = waits.next().filter(|_| again) else {
                return outcome;
            };
            let Some(wait) = retry::wait(wait, asked) else {
                return outcome;
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, call: &Call, url: &Url, carries: bool) -> Result<Answer, Error> {
        let client = if is_here(url) {
            &self.near
        } else {
            &self.client
        };
        let mut request = client
            .request(call.method.clone(), url.clone())
            .headers(call.headers.clone());
        if let Some(authorization) = call.authorization.as_ref().filter(|_| carries) {
            let mut value = reqwest::header::HeaderValue::from_str(authorization.reveal())
                .map_err(|_| {
                    Error::SetUp("a credential has characters that no header has".to_owned())
                })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let sent = call.sent.clone().unwrap_or_default();
        sent.store(0, Ordering::Relaxed);
        request = call.body.attach(request, &sent).await?;
        let timeout = self.settings.timeout;
        let outcome = match patiently(request.send(), &sent, timeout).await {
            Some(outcome) => outcome.map_err(|error| reason(&error)),
            None => Err(format!("no answer within {timeout:?}")),
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

/// Waits for an answer. The time begins anew as long as bytes go: sending a large body takes longer than an
/// answer.
async fn patiently<T>(
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

/// Where a redirect leads: never from https to plain text.
fn leads(from: &Url, location: Option<&str>) -> Result<Url, Error> {
    let mut next = location
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| Error::Redirects(host(from)))?;
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(Error::Downgrade {
            from: host(from),
            to: host(&next),
        });
    }
    // A server does not choose who we are to another one.
    if next.set_username("").is_err() || next.set_password(None).is_err() {
        return Err(Error::Redirects(host(from)));
    }
    Ok(next)
}

/// Host and port: all of an address that is shown.
#[must_use]
pub fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What is at the bottom of an error, without the address: a query may hold a token.
fn reason(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(next) = source.source() {
        source = next;
    }
    if std::ptr::addr_eq(source, error) {
        let kind = if error.is_timeout() {
            "it took too long"
        } else {
            "the request failed"
        };
        return kind.to_owned();
    }
    source.to_string()
}

/// Whether a status says that the same request may do later (RFC 9110, section 15; RFC 6585, section 4).
#[must_use]
pub fn is_passing(status: StatusCode) -> bool {
    retry::is_passing(status)
}

#[cfg(test)]
mod tests {
    use super::{Error, leads};

    #[test]
    fn r71_a_redirect_from_https_to_plain_text_is_refused() {
        let from = "https://one.example/a".parse().unwrap();
        let error = leads(&from, Some("http://one.example/a?token=secret")).unwrap_err();
        assert!(matches!(error, Error::Downgrade { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        let there = leads(&from, Some("/b")).unwrap();
        assert_eq!(there.as_str(), "https://one.example/b");
        let there = leads(&from, Some("https://user:word@two.example/")).unwrap();
        assert_eq!(there.as_str(), "https://two.example/");
        assert!(matches!(leads(&from, None), Err(Error::Redirects(_))));
    }
}
