//! Where a repository is.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::Environment;
use crate::repository::Kind;

/// Where a repository is: a folder, or an address without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An address of the web, with `http` or `https`.
    Web(Url),
}

/// What is wrong with the text of an address, and the way out. The text is not in it: it may hold a password.
pub(super) struct Fault(pub(super) &'static str, pub(super) &'static str);

impl Location {
    /// Reads what was written. A relative path counts from `folder`. An address without a scheme is `https`;
    /// `http` on this machine, and where plain text is allowed (seed 003: "HTTPS for registries (HTTP only for
    /// localhost)").
    pub(super) fn of(
        text: &str,
        kind: Kind,
        insecure: bool,
        folder: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault("is empty", ""));
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
                "is an address where a folder belongs",
                "set `kind` to `oci`, `gitea` or `maven`, or write a path",
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
                "is no address of a server",
                "write it as https://registry.example.com/extensions",
            ))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault(
                "has credentials in it, which is refused",
                "take them out, and use `kubectl ext package login`, or name a file in `auth_token_path`",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Fault("has a `?` or `#` in it", "write it without"));
        }
        if !has_scheme && (insecure || crate::transport::is_here(&url)) {
            // Between these two it cannot fail.
            let _ = url.set_scheme("http");
        }
        Ok(Self::Web(url))
    }
}

const NO_FOLDER: Fault = Fault(
    "is a folder where an address belongs",
    "set `kind` to `folder` or `maven`, or write an address",
);

pub(super) const NO_HOME: Fault = Fault(
    "begins with `~`, and HOME is not set",
    "write the whole path",
);

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "{}", path.display()),
            Self::Web(url) => formatter.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}
