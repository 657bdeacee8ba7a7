//! The configuration as values.

use std::path::PathBuf;
use std::time::Duration;

use extension_registry_core::diagnostic::{Explain, explained};
use extension_registry_core::{listed, suggest};

use super::files::read;
use super::location::Location;
use super::origin::{ConfigDiagnostic, Origin, Valued};
use crate::repository::Kind;
use crate::transport::Settings;

/// Environment variable that overrides the path of the user file.
pub const CONFIG_VARIABLE: &str = "EXTENSION_REGISTRY_CONFIG";
/// Environment variable with the registry of the repository `oci`.
pub const REGISTRY_VARIABLE: &str = "EXTENSION_REGISTRY_OCI_REGISTRY";
/// Environment variable with the namespace of the repository `oci`.
pub const NAMESPACE_VARIABLE: &str = "EXTENSION_REGISTRY_OCI_NAMESPACE";
/// Environment variable with additional package folders, as a path list.
pub const PATHS_VARIABLE: &str = "EXTENSION_REGISTRY_EXTENSIONS_PATH";
/// Environment variable with the cache folder.
pub const CACHE_VARIABLE: &str = "EXTENSION_REGISTRY_CACHE_DIR";

/// Name of the repository that `[oci]` defines.
pub(super) const OCI: &str = "oci";

listed! {
    /// Which kinds of repositories are used.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Source {
        /// All kinds.
        #[default]
        Auto,
        /// OCI registries.
        Oci,
        /// Gitea and Forgejo.
        Gitea,
        /// Maven repositories.
        Maven,
        /// Local folders.
        Local,
    }
}

impl Source {
    /// Parses a name.
    ///
    /// # Errors
    /// Returns a hint if the name is unknown.
    pub fn of(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|source| source.name() == name)
            .ok_or_else(|| near(name, &Self::ALL.map(Self::name)))
    }

    /// Returns its name in configuration and flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Oci => "oci",
            Self::Gitea => "gitea",
            Self::Maven => "maven",
            Self::Local => "local",
        }
    }

    /// Returns whether a repository is used. A Maven repository in a folder is both `maven` and `local`.
    #[must_use]
    pub fn takes(self, repository: &RepositoryConfig) -> bool {
        match self {
            Self::Auto => true,
            Self::Local => matches!(repository.url.value, Location::Folder(_)),
            Self::Oci | Self::Gitea | Self::Maven => self == Self::of_kind(repository.kind.value),
        }
    }

    /// Returns the source that uses repositories of this kind only.
    fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Oci => Self::Oci,
            Kind::Gitea => Self::Gitea,
            Kind::Maven => Self::Maven,
            Kind::Folder => Self::Local,
        }
    }
}

/// Values of command-line flags; None if a flag was not given.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--source`.
    pub source: Option<Source>,
    /// `--registry`: registry of the repository `oci`.
    pub registry: Option<String>,
    /// `--namespace`: namespace of the repository `oci`.
    pub namespace: Option<String>,
    /// `--path`: additional package folders.
    pub paths: Vec<PathBuf>,
    /// `--insecure`: allows unencrypted http for the repository `oci`.
    pub insecure: Option<bool>,
    /// `--timeout`, for every repository.
    pub timeout: Option<Duration>,
    /// `--retry-count`, for every repository.
    pub retry_count: Option<usize>,
    /// `--cache-dir`.
    pub cache_path: Option<PathBuf>,
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which kinds of repositories are used.
    pub source: Valued<Source>,
    /// All repositories in query order: by priority, then as in the files.
    pub repositories: Vec<RepositoryConfig>,
    /// Settings of the cache.
    pub cache: CacheConfig,
    /// The table `[trust]` of the system file or, if that has none, of the user file.
    pub trust: Option<Valued<toml::Table>>,
    /// Warnings.
    pub warnings: Vec<ConfigDiagnostic>,
}

/// Settings of one repository.
#[derive(Clone, Debug)]
pub struct RepositoryConfig {
    /// Its unique name.
    pub name: String,
    /// Where it was defined first.
    pub defined: Origin,
    /// Its kind.
    pub kind: Valued<Kind>,
    /// Its location.
    pub url: Valued<Location>,
    /// Registry and namespace, if the address is built from them as for `[oci]`.
    pub parts: Option<(Valued<String>, Valued<String>)>,
    /// Gitea: the owner of the packages.
    pub owner: Option<Valued<String>>,
    /// Maven: the group of the packages.
    pub group: Option<Valued<String>>,
    /// Repositories of higher priority come first.
    pub priority: Valued<i64>,
    /// Whether it is the System Repository.
    pub system: Valued<bool>,
    /// Names of packages, for repositories without a listing.
    pub names: Valued<Vec<String>>,
    /// Mirrors, which are queried first. They do not receive its token file.
    pub mirrors: Valued<Vec<Location>>,
    /// Whether unencrypted http is allowed for addresses other than loopback.
    pub insecure: Valued<bool>,
    /// Timeout for a response.
    pub timeout: Valued<Duration>,
    /// Number of retries.
    pub retry_count: Valued<usize>,
    /// File with additional certificate authorities, as PEM.
    pub ca: Option<Valued<PathBuf>>,
    /// File with a token for its server, and for no other.
    pub auth_token_path: Option<Valued<PathBuf>>,
}

impl RepositoryConfig {
    /// Returns the transport settings.
    ///
    /// # Errors
    /// Returns an error if the file of certificate authorities cannot be read.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let mut settings = Settings {
            timeout: self.timeout.value,
            retries: self.retry_count.value,
            insecure: self.insecure.value,
            authorities: Vec::new(),
        };
        if let Some(ca) = &self.ca {
            let pem = read(&ca.value).map_err(|error| ConfigError::Read {
                path: ca.value.clone(),
                error,
            })?;
            settings.authorities.push(pem);
        }
        Ok(settings)
    }
}

/// Settings of the cache.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// Folder of the cache.
    pub path: Valued<PathBuf>,
    /// How long a listing stays valid.
    pub ttl: Valued<Duration>,
    /// Maximum size of a content, in bytes.
    pub max_content: Valued<u64>,
}

/// Why a configuration cannot be loaded. Contains no credentials.
#[derive(thiserror::Error, Debug)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("failed to read {path}: {error}", path = path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// The file that a flag or a variable names does not exist.
    #[error("configuration file {path} not found (set by --config or {CONFIG_VARIABLE})", path = path.display())]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// The configuration is invalid. All errors are listed, one a line.
    #[error("{}", lines(.0))]
    Wrong(Vec<ConfigDiagnostic>),
}

impl Explain for ConfigError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { .. } => Vec::new(),
            Self::Missing { .. } => vec!["fix the path, or unset the flag or variable".to_owned()],
            Self::Wrong(findings) => findings.iter().flat_map(Explain::hints).collect(),
        }
    }

    /// Formats several errors with each hint on the line of its error.
    fn explained(&self) -> String {
        match self {
            Self::Wrong(findings) => {
                let lines: Vec<String> = findings.iter().map(Explain::explained).collect();
                lines.join("\n")
            }
            _ => explained(&self.to_string(), &self.hints()),
        }
    }
}

fn lines(findings: &[ConfigDiagnostic]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Config {
    /// Returns the repositories of the selected kind, in query order.
    pub fn asked(&self) -> impl Iterator<Item = &RepositoryConfig> {
        let source = self.source.value;
        self.repositories
            .iter()
            .filter(move |repository| source.takes(repository))
    }

    /// Returns the repository of this name.
    #[must_use]
    pub fn repository(&self, name: &str) -> Option<&RepositoryConfig> {
        self.repositories
            .iter()
            .find(|repository| repository.name == name)
    }

    /// Returns the System Repository, if the system file defines one.
    #[must_use]
    pub fn system_repository(&self) -> Option<&RepositoryConfig> {
        self.repositories
            .iter()
            .find(|repository| repository.system.value)
    }
}

/// Returns the hint for an unknown word.
pub(super) fn near(word: &str, known: &[&str]) -> String {
    match suggest::closest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}
