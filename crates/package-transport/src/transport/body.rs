//! Bodies of requests and responses.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response, ResponseBuilderExt, StatusCode};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use url::Url;

use super::encoding::{self, Inflater};
use super::error::{Error, host, reason};
use super::watch::Sent;

/// Body of a request. It can be sent more than once. `Debug` hides its bytes: they may be a credential.
#[derive(Clone)]
pub enum Body {
    /// No body.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// Contents of a file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Size in bytes.
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
                // Never send more than announced, even if the file grows meanwhile.
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

/// Maximum size of a response that is read completely before it is returned.
const SMALL: u64 = 1 << 20;

/// A response. Its body can be read once.
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

    /// Creates a response that was already read.
    pub(super) fn of(
        url: &Url,
        status: StatusCode,
        headers: HeaderMap,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let built = http::Response::builder()
            .status(status)
            .url(url.clone())
            .body(Bytes::from(body));
        let mut response = built.map_err(|error| Error::SetUp(error.to_string()))?;
        *response.headers_mut() = headers;
        Ok(Self::new(response.into(), host(url), timeout))
    }

    /// Reads a small body completely, so that a truncated response can be retried.
    pub(super) async fn whole(self) -> Result<Self, Error> {
        if self.length().is_none_or(|length| length > SMALL) {
            return Ok(self);
        }
        let (url, status) = (self.url().clone(), self.status());
        let (mut headers, timeout) = (self.response.headers().clone(), self.timeout);
        let limit = usize::try_from(SMALL).unwrap_or(usize::MAX);
        match self.bytes(limit).await {
            Ok(body) => {
                // `bytes` decodes it, so the headers describe another body.
                if headers.remove(CONTENT_ENCODING).is_some() {
                    headers.insert(CONTENT_LENGTH, body.len().into());
                }
                Self::of(&url, status, headers, body, timeout)
            }
            Err(Error::Cut { host, why }) => Err(Error::Unreachable {
                host,
                why: format!("the response was truncated: {why}"),
            }),
            Err(error) => Err(error),
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns host and port of the server.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the final address, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// Returns the value of a header if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Returns all values of a header that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.response.headers().get_all(name).into_iter();
        values.filter_map(|value| value.to_str().ok())
    }

    /// Returns all headers that are text.
    pub(super) fn all_headers(&self) -> Vec<(String, String)> {
        let headers = self.response.headers().iter();
        headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect()
    }

    /// Returns the length of the body if the server declares it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// Returns whether the server declares an HTML page.
    #[must_use]
    pub fn is_html(&self) -> bool {
        let kind = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        kind.trim().to_ascii_lowercase().starts_with("text/html")
    }

    /// Returns a decoder if the server compressed the body, although this client never requests it.
    ///
    /// # Errors
    /// Returns an error if the encoding is not supported.
    pub fn inflater(&self) -> Result<Option<Inflater>, Error> {
        let encoding = self.header(CONTENT_ENCODING.as_str()).unwrap_or_default();
        encoding::inflater(encoding).map_err(|encoding| Error::Encoded {
            host: self.host.clone(),
            encoding,
        })
    }

    /// Reads the next bytes of the body, as they are sent; None at its end.
    ///
    /// # Errors
    /// Returns an error if the body ends too early, or nothing arrives within the timeout.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let why = match tokio::time::timeout(self.timeout, self.response.chunk()).await {
            Ok(Ok(chunk)) => return Ok(chunk),
            Ok(Err(error)) => reason(&error),
            Err(_) => format!("no data received for {:?}", self.timeout),
        };
        Err(Error::Cut {
            host: self.host.clone(),
            why,
        })
    }

    /// Reads the whole body, and decompresses it if the server compressed it.
    ///
    /// # Errors
    /// Returns an error if the body ends too early, is longer than `limit`, or has another encoding.
    pub async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut inflater = self.inflater()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let decoded = match &mut inflater {
                Some(inflater) => inflater
                    .push(&chunk)
                    .map_err(|error| self.garbled(&error))?,
                None => chunk,
            };
            if bytes.len() + decoded.len() > limit {
                return Err(Error::Cut {
                    why: format!("it is longer than {limit} bytes"),
                    host: self.host,
                });
            }
            bytes.extend_from_slice(&decoded);
        }
        if let Some(inflater) = inflater {
            let rest = inflater.finish().map_err(|error| self.garbled(&error))?;
            bytes.extend_from_slice(&rest);
        }
        Ok(bytes)
    }

    /// Converts an error of a decoder.
    #[must_use]
    pub fn garbled(&self, error: &std::io::Error) -> Error {
        Error::Cut {
            host: self.host.clone(),
            why: format!("cannot decompress it: {error}"),
        }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// Returns an error as [`Answer::bytes`] does, or if the body is not the expected JSON.
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        let host = self.host.clone();
        let bytes = self.bytes(limit).await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Cut {
            host,
            why: format!("unexpected JSON: {error}"),
        })
    }
}
