//! A request.

use extension_registry_core::sensitive::Sensitive;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Body, Sent};

/// A request that can be sent more than once.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) authorization: Option<Sensitive>,
    pub(super) body: Body,
    pub(super) sent: Option<Sent>,
    pub(super) is_secret: bool,
    pub(super) is_streamed: bool,
}

impl Call {
    /// Creates a request without a body.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: Body::Empty,
            sent: None,
            is_secret: false,
            is_streamed: false,
        }
    }

    /// Creates a `GET` request.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Adds a header. An invalid value is ignored.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// Sets the value of the `Authorization` header. It is sent to the server of the address only.
    #[must_use]
    pub fn authorization(mut self, value: Option<Sensitive>) -> Self {
        self.authorization = value;
        self
    }

    /// Marks the response as secret: it is never cached.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Marks the response as streamed: the caller resumes it if it is truncated. Other small responses are
    /// retried.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.is_streamed = true;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Counts the sent bytes of the body, from zero at each attempt.
    #[must_use]
    pub fn counting(mut self, sent: Sent) -> Self {
        self.sent = Some(sent);
        self
    }

    /// Returns the address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}
