//! Files behind a server: addresses, credentials, what answers mean, and checksums.

use reqwest::{Method, StatusCode};
use url::Url;

use crate::credentials::Credentials;
use crate::repository::layout::checksum::{self, Actual, Algorithm, Said};
use crate::repository::layout::found;
use crate::repository::origin::{Origin, Tokens};
use crate::repository::{Error, Result};
use crate::transport::{self, Answer, Body, Call, Transport};

/// As repository managers take them (RFC 6750, section 2.1).
const TOKENS: Tokens = Tokens {
    scheme: "Bearer",
    login: "a name and a password",
};

/// One server, and the root of a repository there. Files are named by their folder, with `/` between its parts, and
/// their own name.
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

/// Whether a file has to have checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// It has (R25).
    Required,
    /// They have to agree, where there are some: signatures prove more than they can.
    Agreeing,
}

/// When a file is written (RFC 9110, section 13.1). Servers that know no conditions write it always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When<'t> {
    /// Always.
    Always,
    /// Where there is none.
    Absent,
    /// Where it is still the one with this tag.
    Same(&'t str),
}

/// A file, and the tag of this form of it, where the server has tags that can be compared.
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

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        self.origin.place()
    }

    pub(super) fn address(&self, folder: &str, file: &str) -> Url {
        let parts = folder.split('/').chain([file]);
        self.origin.address(parts.filter(|part| !part.is_empty()))
    }

    /// Makes a call with our credentials.
    pub(super) async fn send(&self, what: &str, call: Call) -> Result<Answer> {
        let answer = self.origin.send(call).await;
        answer.map_err(|error| self.failed(what, &error))
    }

    /// The bytes of a file; None where there is none.
    pub(super) async fn bytes(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>> {
        let tagged = self.tagged(folder, file, limit).await?;
        Ok(tagged.map(|tagged| tagged.bytes))
    }

    pub(super) async fn tagged(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
    ) -> Result<Option<Tagged>> {
        let what = format!("read {file}");
        let call = Call::get(self.address(folder, file));
        let answer = self.send(&what, call).await?;
        if is_absent(answer.status()) {
            return Ok(None);
        }
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&what, answer.status()));
        }
        // A weak tag is never the same (RFC 9110, section 13.1.1).
        let tag = answer.header("etag").filter(|tag| tag.starts_with('"'));
        let tag = tag.map(str::to_owned);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = answer.bytes(limit).await;
        let bytes = bytes.map_err(|error| self.failed(&what, &error))?;
        Ok(Some(Tagged { bytes, tag }))
    }

    /// What is said of a file: SHA-256, else what `mvn deploy` writes. The weaker ones add nothing to the stronger, so
    /// nobody asks for them.
    pub(super) async fn said(&self, folder: &str, file: &str) -> Result<Said> {
        let mut said = Said::default();
        self.take(&mut said, Algorithm::Sha256, folder, file)
            .await?;
        if said.is_empty() {
            self.take(&mut said, Algorithm::Sha1, folder, file).await?;
            self.take(&mut said, Algorithm::Md5, folder, file).await?;
        }
        Ok(said)
    }

    async fn take(
        &self,
        said: &mut Said,
        algorithm: Algorithm,
        folder: &str,
        file: &str,
    ) -> Result<()> {
        let beside = algorithm.file(file);
        let Some(text) = self.bytes(folder, &beside, checksum::LONGEST).await? else {
            return Ok(());
        };
        let taken = said.take(algorithm, &text);
        taken.map_err(|why| found::broken(&self.id, &beside, why))
    }

    /// A file that its checksums agree with; None where there is none.
    pub(super) async fn checked(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        sums: Sums,
    ) -> Result<Option<Vec<u8>>> {
        match self.checked_once(folder, file, limit, sums).await {
            // It may have been replaced between the file and its checksum.
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
        let Some(bytes) = self.bytes(folder, file, limit).await? else {
            return Ok(None);
        };
        let said = self.said(folder, file).await?;
        if sums == Sums::Required || !said.is_empty() {
            found::check(&self.id, file, &said, &Actual::of(&bytes))?;
        }
        Ok(Some(bytes))
    }

    /// The head of a file; None where there is none.
    pub(super) async fn head(&self, folder: &str, file: &str) -> Result<Option<Answer>> {
        let what = format!("look for {file}");
        let url = self.address(folder, file);
        let mut answer = self
            .send(&what, Call::new(Method::HEAD, url.clone()))
            .await?;
        if matches!(answer.status().as_u16(), 405 | 501) {
            // The body is not waited for.
            answer = self.send(&what, Call::get(url)).await?;
        }
        match answer.status() {
            status if is_absent(status) => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            status => Err(self.refused(&what, status)),
        }
    }

    /// Writes a file. False where it is not as the condition has it.
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
                what: format!("replace {file}"),
                hint: "its server answers 409: it keeps what is there".to_owned(),
            }),
            (StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT, _) => Ok(false),
            (status, _) => Err(self.refused(&what, status)),
        }
    }

    /// Writes a small file and its checksums. False where it is not as the condition has it.
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

    /// Takes a file and its checksums away. False where there was none.
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
    pub(super) fn refused(&self, what: &str, status: StatusCode) -> Error {
        let denied = |hint: &str| Error::Denied {
            repository: self.id.clone(),
            what: what.to_owned(),
            hint: hint.to_owned(),
        };
        match status.as_u16() {
            401 if self.origin.is_anonymous() => denied("`login` with a name and a password"),
            401 => denied("the server does not accept the name or the password: `login` again"),
            403 => denied("ask whoever runs the server for the right to do it"),
            405 | 501 => Error::Unsupported {
                repository: self.id.clone(),
                what: what.to_owned(),
                hint: format!("its server answers {}", status.as_u16()),
            },
            code => self.unavailable(what, format!("it answers {code}"), ""),
        }
    }
}

/// Whether a status says that there is no such file.
pub(super) fn is_absent(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// The date of a header (RFC 9110, section 5.6.7) as RFC 3339 writes it.
pub(super) fn date(text: &str) -> Option<String> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().to_string())
}
