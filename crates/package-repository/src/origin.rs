//! A server and a base path: URLs below it, and requests with credentials.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Error, Result};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Answer, Call, Transport};

/// Characters that are not percent-encoded in a path (RFC 3986, section 2.3). `+` is encoded: servers decode it
/// as a space.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Base address of a repository, with credentials.
pub(super) struct Origin {
    transport: Transport,
    base: Url,
    authorization: Option<Sensitive>,
}

/// How a kind of server accepts tokens.
pub(super) struct Tokens {
    /// Scheme of the `Authorization` header.
    pub(super) scheme: &'static str,
    /// What to `login` with.
    pub(super) login: &'static str,
}

impl Origin {
    /// Creates an origin without sending a request.
    ///
    /// # Errors
    /// Returns an error if the address contains credentials or is not allowed, or the server does not support
    /// the kind of credentials.
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
            let hint =
                "remove them from `url`, and log in with `kubectl ext package login`".to_owned();
            return Err(unsupported("use credentials in its address", hint));
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
                let what = "use an identity token: only container registries support them";
                return Err(unsupported(what, format!("log in with {}", tokens.login)));
            }
        };
        transport
            .allows(&base)
            .map_err(|error| Error::no_answer(id, "be accessed", &error))?;
        Ok(Self {
            transport,
            base,
            authorization,
        })
    }

    /// Returns the address for display.
    pub(super) fn place(&self) -> String {
        let path = self.base.path().trim_end_matches('/');
        let host = transport::host(&self.base);
        format!("{}://{host}{path}", self.base.scheme())
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.authorization.is_none()
    }

    /// Returns an address below the base.
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

    /// Returns the delays between retries of an interrupted transfer.
    pub(super) fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        self.transport.waits()
    }

    /// Sends a request with the credentials.
    pub(super) async fn send(&self, call: Call) -> std::result::Result<Answer, transport::Error> {
        let call = call.authorization(self.authorization.clone());
        self.transport.send(&call).await
    }
}
