//! Locations of repositories.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::origin::{ConfigDiagnostics, Origin, Valued};
use crate::environment::Environment;
use crate::repository::Kind;

/// Location of a repository: a folder, or an address without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A local folder.
    Folder(PathBuf),
    /// A web address with `http` or `https`.
    Web(Url),
}

/// Why an address is invalid, and a hint. The address itself is omitted: it may contain a password.
pub(super) struct Fault(pub(super) &'static str, pub(super) &'static str);

impl Location {
    /// Parses a location. A relative path is resolved against `folder`. An address without a scheme uses
    /// `https`, or `http` for loopback addresses and where unencrypted http is allowed.
    pub(super) fn of(
        text: &str,
        kind: Kind,
        insecure: bool,
        folder: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault("must not be empty", ""));
        }
        if let Some(path) = text.strip_prefix("file://") {
            return match kind {
                Kind::Folder | Kind::Maven => Self::folder(path, folder, environment),
                Kind::Oci | Kind::Gitea => Err(NO_FOLDER),
            };
        }
        let has_scheme = text.contains("://");
        match kind {
            Kind::Folder if has_scheme => Err(Fault(
                "must be a directory, not an address",
                "set `kind` to `oci`, `gitea` or `maven`, or use a path",
            )),
            Kind::Folder => Self::folder(text, folder, environment),
            Kind::Maven if !has_scheme => Self::folder(text, folder, environment),
            Kind::Oci | Kind::Gitea if !has_scheme && text.starts_with(['/', '.', '~']) => {
                Err(NO_FOLDER)
            }
            _ => Self::web(text, has_scheme, insecure),
        }
    }

    fn folder(text: &str, folder: Option<&Path>, environment: &Environment) -> Result<Self, Fault> {
        let path = environment.expand(text).ok_or(NO_HOME)?;
        Ok(Self::Folder(match folder {
            Some(folder) => folder.join(path),
            None => path,
        }))
    }

    fn web(text: &str, has_scheme: bool, insecure: bool) -> Result<Self, Fault> {
        let written = if has_scheme {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let mut url = Url::parse(&written)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or(Fault(
                "is not a valid server address",
                "use an address such as https://registry.example.com/extensions",
            ))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault(
                "must not contain credentials",
                "remove them, and use `kubectl ext package login` or set `auth_token_path` to a file",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Fault(
                "must not contain `?` or `#`",
                "remove the query or fragment",
            ));
        }
        if !has_scheme && (insecure || crate::transport::is_loopback(&url)) {
            // Cannot fail between these schemes.
            let _ = url.set_scheme("http");
        }
        Ok(Self::Web(url))
    }
}

const NO_FOLDER: Fault = Fault(
    "must be an address, not a directory",
    "set `kind` to `folder` or `maven`, or use an address",
);

pub(super) const NO_HOME: Fault = Fault(
    "begins with `~`, but HOME is not set",
    "use an absolute path",
);

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "{}", path.display()),
            Self::Web(url) => formatter.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

/// Resolves a path; a relative one against the folder of its file.
pub(super) fn path_of(
    given: &Valued<String>,
    field: &str,
    environment: &Environment,
    findings: &mut ConfigDiagnostics,
) -> Option<Valued<PathBuf>> {
    let Valued { value, origin } = given;
    if value.is_empty() {
        findings.error(origin, field, "must not be empty", "");
        return None;
    }
    let Some(path) = environment.expand(value) else {
        findings.error(origin, field, NO_HOME.0, NO_HOME.1);
        return None;
    };
    let path = folder_of(origin).map_or(path.clone(), |folder| folder.join(path));
    Some(Valued::new(path, origin.clone()))
}

/// Returns the folder of the file that an origin names.
pub(super) fn folder_of(origin: &Origin) -> Option<&Path> {
    match origin {
        Origin::File { path, .. } => path.parent(),
        _ => None,
    }
}
