//! Who may read which package.

use std::fmt::Debug;

use async_trait::async_trait;
use http::HeaderMap;

/// Decides who may read which package.
#[async_trait]
pub trait Authorizer: Send + Sync + Debug {
    /// Determines who sends a request.
    ///
    /// # Errors
    /// Returns an error if the request has no valid credentials, or they cannot be checked.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthorizeError>;

    /// Returns whether a caller may read a path of this registry: `/v2/REPOSITORY/NAME`.
    ///
    /// # Errors
    /// Returns an error if that cannot be determined.
    async fn may_read(&self, caller: &Caller, path: &str) -> Result<bool, AuthorizeError>;
}

/// Who sends a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// User name; empty for an anonymous caller.
    pub user: String,
    /// Unique identifier of the user.
    pub uid: String,
    /// Groups of the user.
    pub groups: Vec<String>,
    /// Further attributes of the user.
    pub extra: Vec<(String, Vec<String>)>,
}

/// Why a request is not allowed.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeError {
    /// It has no valid credentials.
    #[error("authentication required")]
    Unauthenticated {
        /// Value of `WWW-Authenticate`.
        challenge: String,
    },
    /// The credentials cannot be checked at the moment.
    #[error("failed to check the credentials: {0}")]
    Unavailable(String),
}

/// Everyone may read every package.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

#[async_trait]
impl Authorizer for Anonymous {
    async fn authenticate(&self, _headers: &HeaderMap) -> Result<Caller, AuthorizeError> {
        Ok(Caller::default())
    }

    async fn may_read(&self, _caller: &Caller, _path: &str) -> Result<bool, AuthorizeError> {
        Ok(true)
    }
}
