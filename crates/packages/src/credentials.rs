//! Who we are to a server.
//!
//! Credentials are in no configuration. They are found where people have them already: a token file that the
//! configuration names, then docker's and podman's files and their helper programs (R81). The first place that
//! knows the server wins.
//!
//! The crate `docker_credential` reads the environment of the process, waits for a helper without end, keeps
//! what a failed helper printed in its error, and knows neither path prefixes nor `registrytoken`. So all of it
//! is read here.

mod docker;
mod token;

use std::path::{Path, PathBuf};

use extension_registry_core::sensitive::Sensitive;
use url::Url;

pub use docker::{Stored, from_docker_config, remove, store};

use crate::config::Environment;

/// What is shown to a server. It can be copied, never printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    #[default]
    Anonymous,
    /// A name and a password or access token.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Sensitive,
    },
    /// A token that is shown as it is: `Authorization: Bearer …`; Gitea takes it as `token …`.
    Token(Sensitive),
    /// A token that only gets other tokens: docker's `identitytoken`, an `OAuth2` refresh token.
    Identity(Sensitive),
}

/// Credentials, and where they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What is shown to the server.
    pub credentials: Credentials,
    /// Where it was found, for people: a file, a program. None, where nothing was found.
    pub place: Option<String>,
    /// What should be known, and stops nothing.
    pub warnings: Vec<String>,
}

/// Why credentials cannot be found or kept. It holds none.
#[derive(thiserror::Error, Debug)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("failed to read {path}: {error}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file cannot be written.
    #[error("failed to write {path}: {error}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A token file has no token.
    #[error("{path}, which `auth_token_path` names, {why}", path = path.display())]
    Token {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and the way out.
        why: &'static str,
    },
    /// A file of docker cannot be understood.
    #[error("{place}: {field} {why}")]
    Malformed {
        /// Which file.
        place: String,
        /// `auths."registry.example.com".auth`.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A helper program failed. What it printed is left out: it may be a credential.
    #[error("`{program}`, which {place} names, gave nothing for {server}: {why}")]
    Helper {
        /// Its name.
        program: String,
        /// Which file names it.
        place: String,
        /// The server.
        server: String,
        /// Why, and the way out.
        why: String,
    },
    /// A name cannot be kept.
    #[error("a name with `:` in it cannot be shown to a server (RFC 7617, section 2)")]
    User,
    /// There is no folder of the user.
    #[error("there is no place for credentials; hint: set HOME or DOCKER_CONFIG")]
    Nowhere,
}

/// How a server is named where credentials are looked for: host, port and path, without a scheme.
#[must_use]
pub fn server(url: &Url) -> String {
    let path = url.path().trim_matches('/');
    let host = crate::transport::host(url);
    if path.is_empty() {
        host
    } else {
        format!("{host}/{path}")
    }
}

/// Finds what is shown to a server: `host`, `host:port/namespace`. A token file is the first place, and where
/// one is named, the only one. Else docker's `config.json` (in `$DOCKER_CONFIG`, or `~/.docker`), then podman's
/// `auth.json` (`$REGISTRY_AUTH_FILE`, or below `$XDG_RUNTIME_DIR`, then below `~/.config`).
///
/// It reads files and may wait half a minute for a program: call it where that blocks nobody.
///
/// # Errors
/// When a place that is there cannot be read or understood. A place that is not there is none; a token file
/// has to be there.
pub fn find(
    server: &str,
    auth_token_path: Option<&Path>,
    environment: &Environment,
) -> Result<Found, CredentialsError> {
    if let Some(path) = auth_token_path {
        return token::read(path);
    }
    for path in places(environment) {
        if let Some(found) = docker::find(&path, server, environment)? {
            return Ok(found);
        }
    }
    Ok(Found::default())
}

/// The file into which `login` writes: docker's.
///
/// # Errors
/// When there is no folder of the user.
pub fn docker_config(environment: &Environment) -> Result<PathBuf, CredentialsError> {
    let folder = environment.path("DOCKER_CONFIG");
    let folder = folder.or_else(|| Some(environment.home()?.join(".docker")));
    let folder = folder.ok_or(CredentialsError::Nowhere)?;
    Ok(folder.join("config.json"))
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = docker_config(environment).into_iter().collect();
    if let Some(path) = environment.path("REGISTRY_AUTH_FILE") {
        places.push(path);
        return places;
    }
    let folders = [
        environment.path("XDG_RUNTIME_DIR"),
        environment.configuration_folder(),
    ];
    let files = folders.into_iter().flatten();
    places.extend(files.map(|folder| folder.join("containers/auth.json")));
    places
}
