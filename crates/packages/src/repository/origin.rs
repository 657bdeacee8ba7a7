//! A server and a path on it: addresses below it, and calls with our credentials.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Error, Result};
use crate::credentials::Credentials;
use crate::transport::{self, Answer, Call, Transport};

/// What is written as it is in a path (RFC 3986, section 2.3). `+` is not among it: servers take it for a blank.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where a repository is, and as whom it is asked.
pub(super) struct Origin {
    transport: Transport,
    base: Url,
    authorization: Option<Sensitive>,
}

/// How a kind of server takes its tokens.
pub(super) struct Tokens {
    /// The word before one in the header `Authorization`.
    pub(super) scheme: &'static str,
    /// What to `login` with.
    pub(super) login: &'static str,
}

impl Origin {
    /// An origin. Nothing is asked yet.
    ///
    /// # Errors
    /// Where an address has credentials in it or must not be spoken to, or where the credentials are not for such a
    /// server.
    pub(super) fn new(
        id: &str,
        base: Url,
        transport: Transport,
        credentials: Credentials,
        tokens: &Tokens,
    ) -> Result<Self> {
        let unsupported = |what: &str, hint: String| Error::Unsupported {
            repository: id.to_owned(),
            what: what.to_owned(),
            hint,
        };
        if !base.username().is_empty() || base.password().is_some() {
            let hint = "take them out of `url`, and `login`".to_owned();
            return Err(unsupported("have credentials in its address", hint));
        }
        let authorization = match credentials {
            Credentials::Anonymous => None,
            Credentials::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
                Some(Sensitive::new(format!("Basic {pair}")))
            }
            Credentials::Token(token) => {
                let header = format!("{} {}", tokens.scheme, token.reveal());
                Some(Sensitive::new(header))
            }
            Credentials::Identity(_) => {
                let what = "take an identity token: those are of container registries";
                return Err(unsupported(what, format!("`login` with {}", tokens.login)));
            }
        };
        transport
            .allows(&base)
            .map_err(|error| Error::Unavailable {
                repository: id.to_owned(),
                what: "be asked".to_owned(),
                why: error.to_string(),
                hint: String::new(),
            })?;
        Ok(Self {
            transport,
            base,
            authorization,
        })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        let path = self.base.path().trim_end_matches('/');
        let host = transport::host(&self.base);
        format!("{}://{host}{path}", self.base.scheme())
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.authorization.is_none()
    }

    /// The address of what is below it.
    pub(super) fn address<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Url {
        let mut path = self.base.path().trim_end_matches('/').to_owned();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, PATH));
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// Waits between tries of a transfer that was cut.
    pub(super) fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        self.transport.waits()
    }

    /// Makes a call with our credentials.
    pub(super) async fn send(&self, call: Call) -> std::result::Result<Answer, transport::Error> {
        let call = call.authorization(self.authorization.clone());
        self.transport.send(&call).await
    }
}
