//! Requests to a Gitea server: addresses, credentials, response statuses.

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::origin::{Origin, Tokens};
use crate::{Error, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::is_word;
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Answer, Body, Call, Transport};

/// Maximum size of a page of a listing.
const LIST: usize = 8 << 20;
/// As Gitea accepts them (Gitea, "API Usage").
const TOKENS: Tokens = Tokens {
    scheme: "token",
    login: "a Gitea token",
};

/// A Gitea server, and an owner of packages there.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) origin: Origin,
    owner: String,
}

/// Permission that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Access {
    /// Returns the token scope in Gitea.
    fn scope(self) -> &'static str {
        match self {
            Self::Read => "read:package",
            Self::Write => "write:package",
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("id", &self.id)
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(
        id: String,
        base: Url,
        owner: String,
        transport: Transport,
        credentials: Credentials,
    ) -> Result<Self> {
        if !is_word(&owner) {
            return Err(Error::Unsupported {
                repository: id,
                what: format!("use the owner `{}`", owner.escape_debug()),
                hint: "set `owner` to the name of a Gitea user or organization".to_owned(),
            });
        }
        Ok(Self {
            origin: Origin::new(&id, base, transport, credentials, &TOKENS)?,
            id,
            owner,
        })
    }

    /// Returns the address for display.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.origin.place(), self.owner)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.origin.is_anonymous()
    }

    /// Returns the address of a version of a generic package.
    pub(super) fn version(&self, package: &str, version: &str) -> Url {
        let owner = &self.owner;
        self.origin
            .address(["api", "packages", owner, "generic", package, version])
    }

    /// Returns the address of a file of a version.
    pub(super) fn file(&self, package: &str, version: &str, file: &str) -> Url {
        let owner = &self.owner;
        self.origin
            .address(["api", "packages", owner, "generic", package, version, file])
    }

    /// Returns the address of a listing, which needs a token.
    pub(super) fn list(&self, below: &[&str], query: &[(&str, &str)]) -> Url {
        let start = ["api", "v1", "packages", &self.owner];
        let mut url = self.origin.address([&start, below].concat());
        if !query.is_empty() {
            let _ = url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends a request with the credentials.
    pub(super) async fn send(&self, what: &str, call: Call) -> Result<Answer> {
        let answer = self.origin.send(call).await;
        answer.map_err(|error| self.failed(what, &error))
    }

    /// Returns a successful response; None if the object does not exist.
    pub(super) async fn found(&self, what: &str, call: Call) -> Result<Option<Answer>> {
        let answer = self.send(what, call).await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.refused(what, Access::Read, status)),
        }
    }

    /// Reads a file, if it exists.
    pub(super) async fn read(&self, what: &str, url: Url, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.found(what, Call::get(url)).await? {
            Some(answer) => self.bytes(what, answer, limit).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn bytes(&self, what: &str, answer: Answer, limit: u64) -> Result<Vec<u8>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = answer.bytes(limit).await;
        bytes.map_err(|error| self.failed(what, &error))
    }

    /// Reads a JSON list. Some servers return `null` for an empty one.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        what: &str,
        answer: Answer,
    ) -> Result<Vec<T>> {
        let list: std::result::Result<Option<Vec<T>>, _> = answer.json(LIST).await;
        let list = list.map_err(|error| self.failed(what, &error))?;
        Ok(list.unwrap_or_default())
    }

    /// Writes a file. Returns false if it already exists.
    pub(super) async fn put(&self, what: &str, call: Call) -> Result<bool> {
        let answer = self.send(what, call).await?;
        match answer.status() {
            StatusCode::CONFLICT => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused(what, Access::Write, status)),
        }
    }

    /// Writes a small file. Returns false if it already exists.
    pub(super) async fn put_bytes(&self, what: &str, url: Url, bytes: &[u8]) -> Result<bool> {
        let body = Body::Bytes(bytes.to_vec().into());
        self.put(what, Call::new(Method::PUT, url).body(body)).await
    }

    /// Deletes a version or a file. Returns false if it did not exist.
    pub(super) async fn delete(&self, what: &str, url: Url) -> Result<bool> {
        let answer = self.send(what, Call::new(Method::DELETE, url)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused(what, Access::Write, status)),
        }
    }

    /// Verifies a digest.
    pub(super) fn same(&self, file: &str, expected: Option<Digest>, found: Digest) -> Result<()> {
        match expected {
            Some(expected) if expected != found => Err(Error::Broken {
                repository: self.id.clone(),
                what: file.to_owned(),
                why: format!("SHA-256 mismatch: expected {expected}, got {found}"),
                hint: "publish the version again with --force".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Converts a transport error.
    pub(super) fn failed(&self, what: &str, error: &transport::Error) -> Error {
        Error::no_answer(&self.id, what, error)
    }

    pub(super) fn unavailable(&self, what: &str, why: String, hint: &str) -> Error {
        Error::unavailable(&self.id, what, why, hint)
    }

    /// Converts an error status.
    pub(super) fn refused(&self, what: &str, access: Access, status: StatusCode) -> Error {
        let scope = access.scope();
        let denied = |hint: String| Error::Denied {
            repository: self.id.clone(),
            what: what.to_owned(),
            hint,
        };
        match status.as_u16() {
            401 if self.is_anonymous() => denied(format!(
                "log in with a Gitea token that has the scope {scope}"
            )),
            401 => denied(format!(
                "log in again: Gitea rejected the password or token, or the token lacks the scope {scope}"
            )),
            403 => denied(format!(
                "use a token with the scope {scope}, and check that its user may access packages of {} and has quota left",
                self.owner
            )),
            404 => Error::NotFound {
                repository: self.id.clone(),
                what: format!("packages of {}", self.owner),
                hint: format!(
                    "check `owner` and `url`: owner not found at {}",
                    self.place()
                ),
            },
            405 => Error::Unsupported {
                repository: self.id.clone(),
                what: what.to_owned(),
                hint: "use Gitea 1.17 or later, which supports generic packages".to_owned(),
            },
            413 => {
                let why = "the server responded with 413: the file is too large".to_owned();
                self.unavailable(
                    what,
                    why,
                    "ask the administrator of the server for a higher limit",
                )
            }
            code => self.unavailable(what, format!("the server responded with {code}"), ""),
        }
    }
}
