//! Why there is no response, and how a server is named in messages.

use extension_registry_core::diagnostic::Explain;
use url::Url;

/// Why there is no response. It names the server, never a credential or a query.
#[derive(thiserror::Error, Debug)]
pub enum Error {
    /// The address is not an http or https URL.
    #[error("invalid address `{0}`: expected an http or https URL")]
    InvalidAddress(String),
    /// Unencrypted http to another machine.
    #[error("refusing to connect to {0} over unencrypted http")]
    Insecure(String),
    /// A redirect from https to http.
    #[error("refusing a redirect from {from} to unencrypted http on {to}")]
    Downgrade {
        /// The server that redirects.
        from: String,
        /// The target of the redirect.
        to: String,
    },
    /// Too many redirects, or an invalid one.
    #[error("too many redirects, or an invalid redirect, from {0}")]
    Redirects(String),
    /// The server did not respond.
    #[error("{host} is unreachable: {why}")]
    Unreachable {
        /// Host and port of the server.
        host: String,
        /// The cause.
        why: String,
    },
    /// The response ended too early, or is too long.
    #[error("invalid response from {host}: {why}")]
    Cut {
        /// Host and port of the server.
        host: String,
        /// The cause.
        why: String,
    },
    /// The response is encoded in a way that was not requested.
    #[error("{host} sent the response with Content-Encoding `{encoding}`, which was not requested")]
    Encoded {
        /// Host and port of the server.
        host: String,
        /// The encoding.
        encoding: String,
    },
    /// A file to send cannot be read.
    #[error("failed to read {path}: {error}")]
    File {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// The client or the request cannot be built.
    #[error("failed to set up the HTTP client: {0}")]
    SetUp(String),
}

impl Explain for Error {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Insecure(_) => "use https, or set `insecure = true` for this repository",
            Self::Downgrade { .. } => "contact the administrator of the server",
            Self::Encoded { .. } => {
                "ask the administrator of the server to send files unchanged to clients without Accept-Encoding"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Returns host and port: the only part of an address that is displayed.
#[must_use]
pub fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Returns whether an address is a loopback address.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the root cause of an error, without the address: a query may contain a token.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(next) = source.source() {
        source = next;
    }
    if std::ptr::addr_eq(source, error) {
        let kind = if error.is_timeout() {
            "the request timed out"
        } else {
            "the request failed"
        };
        return kind.to_owned();
    }
    source.to_string()
}
