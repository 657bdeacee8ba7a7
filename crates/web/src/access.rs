//! Who may ask, and as whom the cluster is read.

mod local;

use sha2::{Digest, Sha256};

pub(crate) use local::Decision;
pub use local::Local;

/// The person who sent a request.
#[derive(Clone)]
pub enum Caller {
    /// The user who started the program.
    Owner,
    /// The owner of a bearer token, which the API server verifies.
    Token(String),
}

impl Caller {
    /// Returns a key for what was read as this caller. It does not contain the token.
    pub(crate) fn key(&self) -> [u8; 32] {
        match self {
            Self::Owner => [0; 32],
            Self::Token(token) => Sha256::digest(token).into(),
        }
    }
}
