//! Credentials for servers.
//!
//! The configuration contains no credentials. They are read from where users already keep them: a token file
//! that the configuration names, then the files of docker and podman and their credential helpers. The first
//! match wins.
//!
//! The crate `docker_credential` reads the environment of the process, waits for helpers without a timeout,
//! includes the output of a failed helper in its error, and supports neither path prefixes nor `registrytoken`.
//! So these files are parsed here.

mod docker;
mod model;
mod token;

use std::path::{Path, PathBuf};

use url::Url;

pub use docker::{Stored, from_docker_config, remove, store};
pub use model::{Credentials, CredentialsError, FoundCredentials};

use crate::environment::Environment;

/// Returns the name of a server for credential look-ups: host, port and path, without a scheme.
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

/// Finds the credentials of a server: `host`, `host:port/namespace`. If a token file is given, only that is
/// read. Otherwise docker's `config.json` (in `$DOCKER_CONFIG`, or `~/.docker`) is searched, then podman's
/// `auth.json` (`$REGISTRY_AUTH_FILE`, or below `$XDG_RUNTIME_DIR`, then below `~/.config`).
///
/// This reads files and may wait half a minute for a helper: call it where blocking is allowed.
///
/// # Errors
/// Returns an error if an existing file cannot be read or parsed, or the token file does not exist.
pub fn find(
    server: &str,
    auth_token_path: Option<&Path>,
    environment: &Environment,
) -> Result<FoundCredentials, CredentialsError> {
    if let Some(path) = auth_token_path {
        return token::read(path);
    }
    for path in places(environment) {
        if let Some(found) = docker::find(&path, server, environment)? {
            return Ok(found);
        }
    }
    Ok(FoundCredentials::default())
}

/// Returns the file that `login` writes to: docker's.
///
/// # Errors
/// Returns an error if the home folder is unknown.
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
