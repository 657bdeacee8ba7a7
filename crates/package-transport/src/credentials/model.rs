//! Credentials, and why they cannot be loaded or stored.

use std::path::PathBuf;

use extension_registry_core::diagnostic::{Explain, Note};
use extension_registry_core::sensitive::Sensitive;

/// Credentials for a server. `Debug` never shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// None.
    #[default]
    Anonymous,
    /// A username with a password or access token.
    Basic {
        /// The username.
        user: String,
        /// The password.
        password: Sensitive,
    },
    /// A bearer token: `Authorization: Bearer …`; for Gitea `token …`.
    Token(Sensitive),
    /// A token that is exchanged for others: docker's `identitytoken`, an `OAuth2` refresh token.
    Identity(Sensitive),
}

/// Credentials and their source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCredentials {
    /// The credentials.
    pub credentials: Credentials,
    /// Where they were found, for display: a file, a program. None if there are none.
    pub place: Option<String>,
    /// Warnings.
    pub warnings: Vec<Note>,
}

/// Why credentials cannot be loaded or stored. Contains no credentials.
#[derive(thiserror::Error, Debug)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("failed to read {path}: {error}", path = path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// A file cannot be written.
    #[error("failed to write {path}: {error}", path = path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// A token file is invalid.
    #[error("token file {path} (`auth_token_path`) {why}", path = path.display())]
    Token {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// The way out; may be empty.
        hint: &'static str,
    },
    /// A docker configuration file is invalid.
    #[error("{place}: {field} {why}")]
    Malformed {
        /// The file.
        place: String,
        /// The field: `auths."registry.example.com".auth`.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A credential helper failed. Its output is omitted: it may contain a credential.
    #[error("credential helper `{program}` (from {place}) failed for {server}: {why}")]
    Helper {
        /// Name of the program.
        program: String,
        /// The file that names it.
        place: String,
        /// The server.
        server: String,
        /// The cause.
        why: String,
        /// The way out; may be empty.
        hint: String,
    },
    /// The username is invalid.
    #[error("invalid username: `:` is not allowed (RFC 7617, section 2)")]
    User,
    /// The home folder is unknown.
    #[error("cannot locate the Docker configuration file")]
    Nowhere,
}

impl Explain for CredentialsError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Token { hint, .. } => *hint,
            Self::Helper { hint, .. } => hint.as_str(),
            Self::Nowhere => "set HOME or DOCKER_CONFIG",
            Self::Read { .. } | Self::Write { .. } | Self::Malformed { .. } | Self::User => "",
        };
        let hint = Some(hint).filter(|hint| !hint.is_empty());
        hint.into_iter().map(str::to_owned).collect()
    }
}
