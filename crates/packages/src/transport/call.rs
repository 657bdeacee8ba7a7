//! What is asked.

use extension_registry_core::sensitive::Sensitive;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Body, Sent};

/// A request that can be made more than once.
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
    /// A request without a body.
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

    /// A `GET`.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// With a header more. One whose value no header can have is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// With the whole value of the header `Authorization`. It goes to the server of the address alone.
    #[must_use]
    pub fn authorization(mut self, value: Option<Sensitive>) -> Self {
        self.authorization = value;
        self
    }

    /// Whose answer is a secret: it is never kept.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Whose answer is read as it comes, and continued where it is cut. Others that are small are asked for again.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.is_streamed = true;
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Counts the bytes of the body that went; from nothing again at each try.
    #[must_use]
    pub fn counting(mut self, sent: Sent) -> Self {
        self.sent = Some(sent);
        self
    }

    /// Where it goes.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}
