//! Files on an HTTP server: addresses, credentials, response statuses, and checksums.

use reqwest::{Method, StatusCode};
use url::Url;

use crate::found;
use crate::origin::{Origin, Tokens};
use crate::{Error, Result};
use extension_registry_package_layout::checksum::{self, Actual, Algorithm, ChecksumFiles};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{
    self, Answer, Body, Call, Transport, is_html,
};

/// As repository managers accept them (RFC 6750, section 2.1).
const TOKENS: Tokens = Tokens {
    scheme: "Bearer",
    login: "a username and a password",
};

/// A server and the root of a repository there. Files are named by their folder, with `/` as separator, and
/// their name.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) origin: Origin,
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

/// Whether a file must have checksums, and must exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// Checksums are required.
    Required,
    /// Checksums are required, but the file is [`Optional`](Need::Optional).
    RequiredIfPresent,
    /// Checksums are optional, since signatures are stronger, but existing ones must match. The file is
    /// [`Optional`](Need::Optional).
    Agreeing,
}

/// What a response means that is neither the file nor 404. S3 and `CloudFront` respond with 403 to files that do
/// not exist, and other servers with a page and status 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The file is expected: it is an error.
    Expected,
    /// The version may lack the file: it does not exist.
    Optional,
}

/// Precondition of a write (RFC 9110, section 13.1). Servers without support for conditions always write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When<'t> {
    /// None.
    Always,
    /// The file does not exist.
    Absent,
    /// The file still has this `ETag`.
    Same(&'t str),
}

/// A file with its `ETag`, if the server has strong `ETags`.
#[derive(Debug)]
pub(super) struct Tagged {
    pub(super) bytes: Vec<u8>,
    pub(super) tag: Option<String>,
}

impl Server {
    pub(super) fn new(
        id: String,
        root: Url,
        transport: Transport,
        credentials: Credentials,
    ) -> Result<Self> {
        Ok(Self {
            origin: Origin::new(&id, root, transport, credentials, &TOKENS)?,
            id,
        })
    }

    /// Returns the address for display.
    pub(super) fn place(&self) -> String {
        self.origin.place()
    }

    pub(super) fn address(&self, folder: &str, file: &str) -> Url {
        let parts = folder.split('/').chain([file]);
        self.origin.address(parts.filter(|part| !part.is_empty()))
    }

    /// Sends a request with the credentials.
    pub(super) async fn send(&self, what: &str, call: Call) -> Result<Answer> {
        let answer = self.origin.send(call).await;
        answer.map_err(|error| self.failed(what, &error))
    }

    /// Reads a file; None if it does not exist.
    pub(super) async fn bytes(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        need: Need,
    ) -> Result<Option<Vec<u8>>> {
        let tagged = self.tagged(folder, file, limit, need).await?;
        Ok(tagged.map(|tagged| tagged.bytes))
    }

    pub(super) async fn tagged(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        need: Need,
    ) -> Result<Option<Tagged>> {
        let what = format!("read {file}");
        let call = Call::get(self.address(folder, file));
        let answer = self.send(&what, call).await?;
        if is_absent(answer.status()) || need.forgives(answer.status()) {
            return Ok(None);
        }
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&what, answer.status()));
        }
        // A weak ETag never matches (RFC 9110, section 13.1.1).
        let tag = answer.header("etag").filter(|tag| tag.starts_with('"'));
        let tag = tag.map(str::to_owned);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = answer.bytes(limit).await;
        let bytes = bytes.map_err(|error| self.failed(&what, &error))?;
        if is_html(&bytes) {
            return match need {
                Need::Optional => Ok(None),
                Need::Expected => Err(self.page(file)),
            };
        }
        Ok(Some(Tagged { bytes, tag }))
    }

    /// Reads the strongest checksum of a file: SHA-256, else those that `mvn deploy` writes. Weaker ones add
    /// nothing to a stronger one.
    pub(super) async fn checksums(&self, folder: &str, file: &str) -> Result<ChecksumFiles> {
        let mut checksums = ChecksumFiles::default();
        self.take(&mut checksums, Algorithm::Sha256, folder, file)
            .await?;
        if checksums.is_empty() {
            self.take(&mut checksums, Algorithm::Sha1, folder, file)
                .await?;
            self.take(&mut checksums, Algorithm::Md5, folder, file)
                .await?;
        }
        Ok(checksums)
    }

    async fn take(
        &self,
        checksums: &mut ChecksumFiles,
        algorithm: Algorithm,
        folder: &str,
        file: &str,
    ) -> Result<()> {
        let beside = algorithm.file(file);
        let read = self.bytes(folder, &beside, checksum::LONGEST, Need::Optional);
        let Some(text) = read.await? else {
            return Ok(());
        };
        let taken = checksums.take(algorithm, &text);
        taken.map_err(|why| found::unreadable(&self.id, &beside, why))
    }

    /// Reads a file and verifies its checksums; None if it does not exist.
    pub(super) async fn checked(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        sums: Sums,
    ) -> Result<Option<Vec<u8>>> {
        match self.checked_once(folder, file, limit, sums).await {
            // The file may have been replaced before its checksum was read.
            Err(Error::Broken { .. }) => self.checked_once(folder, file, limit, sums).await,
            outcome => outcome,
        }
    }

    async fn checked_once(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        sums: Sums,
    ) -> Result<Option<Vec<u8>>> {
        let need = match sums {
            Sums::Required => Need::Expected,
            Sums::RequiredIfPresent | Sums::Agreeing => Need::Optional,
        };
        let Some(bytes) = self.bytes(folder, file, limit, need).await? else {
            return Ok(None);
        };
        let checksums = self.checksums(folder, file).await?;
        if sums != Sums::Agreeing || !checksums.is_empty() {
            found::check(&self.id, file, &checksums, &Actual::of(&bytes))?;
        }
        Ok(Some(bytes))
    }

    /// Requests the headers of a file; None if it does not exist.
    pub(super) async fn head(
        &self,
        folder: &str,
        file: &str,
        need: Need,
    ) -> Result<Option<Answer>> {
        let what = format!("check {file}");
        let url = self.address(folder, file);
        let mut answer = self
            .send(&what, Call::new(Method::HEAD, url.clone()))
            .await?;
        if matches!(answer.status().as_u16(), 405 | 501) {
            // The body is not read.
            answer = self.send(&what, Call::get(url)).await?;
        }
        let is_page = answer.is_html() && !file.ends_with("html");
        match answer.status() {
            status if is_absent(status) || need.forgives(status) => Ok(None),
            status if status.is_success() && is_page => match need {
                Need::Optional => Ok(None),
                Need::Expected => Err(self.page(file)),
            },
            status if status.is_success() => Ok(Some(answer)),
            status => Err(self.refused(&what, status)),
        }
    }

    /// Writes a file. Returns false if the precondition failed.
    pub(super) async fn put(&self, file: &str, call: Call, when: When<'_>) -> Result<bool> {
        let what = format!("write {file}");
        let call = match when {
            When::Always => call,
            When::Absent => call.header("if-none-match", "*"),
            When::Same(tag) => call.header("if-match", tag),
        };
        let answer = self.send(&what, call).await?;
        match (answer.status(), when) {
            (status, _) if status.is_success() => Ok(true),
            (StatusCode::CONFLICT, When::Always) => Err(Error::Unsupported {
                repository: self.id.clone(),
                what: format!("replace {file}: the server responded with 409"),
                hint: "ask the administrator of the server to allow files to be replaced"
                    .to_owned(),
            }),
            (StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT, _) => Ok(false),
            (status, _) => Err(self.refused(&what, status)),
        }
    }

    /// Writes a small file and its checksums. Returns false if the precondition failed.
    pub(super) async fn write(
        &self,
        folder: &str,
        file: &str,
        bytes: &[u8],
        when: When<'_>,
    ) -> Result<bool> {
        if !self.put_bytes(folder, file, bytes, when).await? {
            return Ok(false);
        }
        self.write_sums(folder, file, &Actual::of(bytes)).await?;
        Ok(true)
    }

    pub(super) async fn write_sums(&self, folder: &str, file: &str, actual: &Actual) -> Result<()> {
        for (beside, digits) in actual.files(file) {
            self.put_bytes(folder, &beside, &digits, When::Always)
                .await?;
        }
        Ok(())
    }

    async fn put_bytes(
        &self,
        folder: &str,
        file: &str,
        bytes: &[u8],
        when: When<'_>,
    ) -> Result<bool> {
        let call = Call::new(Method::PUT, self.address(folder, file));
        let body = Body::Bytes(bytes.to_vec().into());
        self.put(file, call.body(body), when).await
    }

    /// Deletes a file and its checksums. Returns false if it did not exist.
    pub(super) async fn remove(&self, folder: &str, file: &str) -> Result<bool> {
        let was_there = self.remove_one(folder, file).await?;
        for algorithm in Algorithm::ALL {
            self.remove_one(folder, &algorithm.file(file)).await?;
        }
        Ok(was_there)
    }

    async fn remove_one(&self, folder: &str, file: &str) -> Result<bool> {
        let what = format!("delete {file}");
        let call = Call::new(Method::DELETE, self.address(folder, file));
        let answer = self.send(&what, call).await?;
        match answer.status() {
            status if is_absent(status) => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused(&what, status)),
        }
    }

    /// Converts a transport error.
    pub(super) fn failed(&self, what: &str, error: &transport::Error) -> Error {
        Error::no_answer(&self.id, what, error)
    }

    pub(super) fn unavailable(&self, what: &str, why: String, hint: &str) -> Error {
        Error::unavailable(&self.id, what, why, hint)
    }

    /// Reports a page that was sent instead of a file.
    fn page(&self, file: &str) -> Error {
        Error::Broken {
            repository: self.id.clone(),
            what: file.to_owned(),
            why: "the server responded with an HTML page".to_owned(),
            hint: "check the URL of the repository: this one may be a web page or require a login"
                .to_owned(),
        }
    }

    /// Converts an error status.
    pub(super) fn refused(&self, what: &str, status: StatusCode) -> Error {
        let denied = |hint: &str| Error::Denied {
            repository: self.id.clone(),
            what: what.to_owned(),
            hint: hint.to_owned(),
        };
        match status.as_u16() {
            401 if self.origin.is_anonymous() => denied("log in with a username and a password"),
            401 => denied("log in again: the server rejected the username or the password"),
            403 => denied(
                "ask the administrator of the server for permission; servers such as Amazon S3 and CloudFront also respond with 403 to files that do not exist, unless listing is allowed (s3:ListBucket)",
            ),
            405 | 501 => Error::Unsupported {
                repository: self.id.clone(),
                what: format!("{what}: the server responded with {}", status.as_u16()),
                hint: "ask the administrator of the server to allow this operation".to_owned(),
            },
            code => self.unavailable(what, format!("the server responded with {code}"), ""),
        }
    }
}

impl Need {
    /// Returns whether a status means that an optional file does not exist.
    fn forgives(self, status: StatusCode) -> bool {
        self == Self::Optional && status == StatusCode::FORBIDDEN
    }
}

/// Returns whether a status means that the file does not exist.
pub(super) fn is_absent(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}
