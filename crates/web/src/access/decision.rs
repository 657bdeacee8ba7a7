//! The caller of a request, and what to do with it.

use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use http::StatusCode;
use sha2::{Digest, Sha256};

/// The person who sent a request.
#[derive(Clone)]
pub enum Caller {
    /// The user who started the program.
    Owner,
    /// The owner of a bearer token, which the API server verifies.
    Token {
        /// The token.
        token: Sensitive,
        /// Namespace to read if the owner may not list all.
        namespace: Option<String>,
    },
}

impl Caller {
    /// Returns whether the caller can sign out.
    pub(crate) fn is_signed_in(&self) -> bool {
        matches!(self, Self::Token { .. })
    }

    /// Returns a key for what was read as this caller. It does not contain the token.
    pub(crate) fn key(&self) -> [u8; 32] {
        match self {
            Self::Owner => [0; 32],
            Self::Token { token, namespace } => {
                let digest = Sha256::new().chain_update(token.reveal());
                // A token contains no NUL.
                let digest = digest.chain_update([0]);
                let namespace = namespace.as_deref().unwrap_or_default();
                digest.chain_update(namespace).finalize().into()
            }
        }
    }
}

/// What to do with a request.
pub(crate) enum Decision {
    /// Answer it. Without a caller, only pages that show no objects.
    Allow(Option<Caller>),
    /// Set this cookie, and continue at this path.
    Exchange { cookie: String, path: String },
    /// Show the page for signing in.
    SignIn,
    /// Reject it.
    Deny(StatusCode, Failure),
}
