//! What goes, and what comes back.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use url::Url;

use super::{Error, Sent};

/// What a request carries. It can be sent more than once. Bytes are not shown: they may be a credential.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// The bytes of a file.
    File {
        /// Where it is.
        path: PathBuf,
        /// How many there are.
        size: u64,
    },
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => formatter.write_str("Empty"),
            Self::Bytes(bytes) => write!(formatter, "Bytes({} bytes)", bytes.len()),
            Self::File { path, size } => write!(formatter, "File({path:?}, {size} bytes)"),
        }
    }
}

impl Body {
    pub(super) async fn attach(
        &self,
        request: RequestBuilder,
        sent: &Sent,
    ) -> Result<RequestBuilder, Error> {
        match self {
            Self::Empty => Ok(request),
            Self::Bytes(bytes) => Ok(request.body(bytes.clone())),
            Self::File { path, size } => {
                let opened = tokio::fs::File::open(path).await;
                let file = opened.map_err(|error| Error::File {
                    path: path.clone(),
                    error,
                })?;
                let sent = Sent::clone(sent);
                // Not more than what was announced, if the file grows meanwhile.
                let stream = ReaderStream::with_capacity(file.take(*size), 256 * 1024);
                let stream = stream.inspect_ok(move |bytes| {
                    sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                });
                Ok(request
                    .header(CONTENT_LENGTH, *size)
                    .body(reqwest::Body::wrap_stream(stream)))
            }
        }
    }
}

/// What a server answered. Its body is read once.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    host: String,
    timeout: Duration,
}

impl Answer {
    pub(super) fn new(response: Response, host: String, timeout: Duration) -> Self {
        Self {
            response,
            host,
            timeout,
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The server that answered: host and port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address that answered, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// A header, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// All values of a header that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.response.headers().get_all(name).into_iter();
        values.filter_map(|value| value.to_str().ok())
    }

    /// Every header that is text.
    pub(super) fn all_headers(&self) -> Vec<(String, String)> {
        let headers = self.response.headers().iter();
        headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect()
    }

    /// How long the body is, where the server says so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// The next bytes of the body; None at its end.
    ///
    /// # Errors
    /// When it ends too early, or nothing comes for longer than the timeout.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let why = match tokio::time::timeout(self.timeout, self.response.chunk()).await {
            Ok(Ok(chunk)) => return Ok(chunk),
            Ok(Err(error)) => super::reason(&error),
            Err(_) => format!("nothing came for {:?}", self.timeout),
        };
        Err(Error::Cut {
            host: self.host.clone(),
            why,
        })
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it ends too early, or has more bytes than `limit`.
    pub async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                return Err(Error::Cut {
                    why: format!("it has more than {limit} bytes"),
                    host: self.host,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// As [`Answer::bytes`], and where it is something else.
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        let host = self.host.clone();
        let bytes = self.bytes(limit).await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Cut {
            host,
            why: format!("it is not the JSON that belongs here: {error}"),
        })
    }
}
