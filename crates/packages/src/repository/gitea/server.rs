//! Calls to one Gitea: addresses, credentials, what its answers mean.

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::repository::layout::is_word;
use crate::repository::origin::{Origin, Tokens};
use crate::repository::{Error, Result};
use crate::transport::{self, Answer, Body, Call, Transport};

/// Largest page of a list that is read.
const LIST: usize = 8 << 20;
/// As Gitea takes them (Gitea, "API Usage").
const TOKENS: Tokens = Tokens {
    scheme: "token",
    login: "a token of Gitea",
};

/// One Gitea, and one owner of packages there.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) origin: Origin,
    owner: String,
}

/// What a call needs the right to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Access {
    /// The scope of a token of Gitea.
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
                what: format!("have an owner `{}`", owner.escape_debug()),
                hint: "write the name of a user or an organization of Gitea as `owner`".to_owned(),
            });
        }
        Ok(Self {
            origin: Origin::new(&id, base, transport, credentials, &TOKENS)?,
            id,
            owner,
        })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.origin.place(), self.owner)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.origin.is_anonymous()
    }

    /// The address of a version of a generic package.
    pub(super) fn version(&self, package: &str, version: &str) -> Url {
        let owner = &self.owner;
        self.origin
            .address(["api", "packages", owner, "generic", package, version])
    }

    /// The address of a file of a version.
    pub(super) fn file(&self, package: &str, version: &str, file: &str) -> Url {
        let owner = &self.owner;
        self.origin
            .address(["api", "packages", owner, "generic", package, version, file])
    }

    /// The address of a list. It is asked with a token.
    pub(super) fn list(&self, below: &[&str], query: &[(&str, &str)]) -> Url {
        let start = ["api", "v1", "packages", &self.owner];
        let mut url = self.origin.address([&start, below].concat());
        if !query.is_empty() {
            let _ = url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Makes a call with our credentials.
    pub(super) async fn send(&self, what: &str, call: Call) -> Result<Answer> {
        let answer = self.origin.send(call).await;
        answer.map_err(|error| self.failed(what, &error))
    }

    /// An answer with what was asked for; None where there is no such thing.
    pub(super) async fn found(&self, what: &str, call: Call) -> Result<Option<Answer>> {
        let answer = self.send(what, call).await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.refused(what, Access::Read, status)),
        }
    }

    /// A file, where there is one.
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

    /// A list. Where there is nothing, some servers say `null`.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        what: &str,
        answer: Answer,
    ) -> Result<Vec<T>> {
        let list: std::result::Result<Option<Vec<T>>, _> = answer.json(LIST).await;
        let list = list.map_err(|error| self.failed(what, &error))?;
        Ok(list.unwrap_or_default())
    }

    /// Writes a file. False where one of this name is there already.
    pub(super) async fn put(&self, what: &str, call: Call) -> Result<bool> {
        let answer = self.send(what, call).await?;
        match answer.status() {
            StatusCode::CONFLICT => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused(what, Access::Write, status)),
        }
    }

    /// Writes a small file. False where one of this name is there already.
    pub(super) async fn put_bytes(&self, what: &str, url: Url, bytes: &[u8]) -> Result<bool> {
        let body = Body::Bytes(bytes.to_vec().into());
        self.put(what, Call::new(Method::PUT, url).body(body)).await
    }

    /// Deletes a version or a file. False where there is no such thing.
    pub(super) async fn delete(&self, what: &str, url: Url) -> Result<bool> {
        let answer = self.send(what, Call::new(Method::DELETE, url)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused(what, Access::Write, status)),
        }
    }

    /// Holds bytes against the digest that was said of them.
    pub(super) fn same(&self, file: &str, said: Option<Digest>, found: Digest) -> Result<()> {
        match said {
            Some(said) if said != found => Err(Error::Broken {
                repository: self.id.clone(),
                what: file.to_owned(),
                why: format!("its SHA-256 digest is {found}, {said} was said"),
                hint: "publish the version again with --force".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Why there is no answer.
    pub(super) fn failed(&self, what: &str, error: &transport::Error) -> Error {
        self.unavailable(what, error.to_string(), "")
    }

    pub(super) fn unavailable(&self, what: &str, why: String, hint: &str) -> Error {
        Error::Unavailable {
            repository: self.id.clone(),
            what: what.to_owned(),
            why,
            hint: hint.to_owned(),
        }
    }

    /// What a status means that is no yes.
    pub(super) fn refused(&self, what: &str, access: Access, status: StatusCode) -> Error {
        let scope = access.scope();
        let denied = |hint: String| Error::Denied {
            repository: self.id.clone(),
            what: what.to_owned(),
            hint,
        };
        match status.as_u16() {
            401 if self.is_anonymous() => denied(format!(
                "`login` with a token of Gitea that has the scope {scope}"
            )),
            401 => denied(format!(
                "Gitea does not accept the password or token, or it has not the scope {scope}: `login` again"
            )),
            403 => denied(format!(
                "the token needs the scope {scope}, and its user the right to packages of {} and room in its quota",
                self.owner
            )),
            404 => Error::NotFound {
                repository: self.id.clone(),
                what: format!("packages of {}", self.owner),
                hint: format!(
                    "look at `owner` and `url`: {} does not know it",
                    self.place()
                ),
            },
            405 => Error::Unsupported {
                repository: self.id.clone(),
                what: what.to_owned(),
                hint: "Gitea has generic packages since 1.17".to_owned(),
            },
            413 => {
                let why = "it answers 413: the file is larger than it takes".to_owned();
                self.unavailable(what, why, "ask whoever runs it for a higher limit")
            }
            code => self.unavailable(what, format!("it answers {code}"), ""),
        }
    }
}

/// The date of a header (RFC 9110, section 5.6.7) as RFC 3339 writes it.
pub(super) fn date(text: &str) -> Option<String> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().to_string())
}
