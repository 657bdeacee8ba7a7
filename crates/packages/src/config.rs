//! What was configured: repositories, cache, trust, and where each value was said.
//!
//! Lowest first: the defaults, the file of the system, that of the user, that of the project, the environment,
//! flags (R7, R56). The author of a project's file may be anybody, so it adds repositories and changes nothing
//! of what decides where credentials go or whom is trusted.
//!
//! Files are TOML with the keys of seed 003 (`[oci]`, `[extensions]`), `[[repository]]` for each other
//! repository (R74), `[cache]` and `[trust]`. `docs/packages-config.md` describes every key.

mod environment;
mod fields;
mod layer;
mod location;
mod merge;
mod origin;
mod show;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use extension_registry_core::suggest;

pub use environment::{Environment, Places};
pub use location::Location;
pub use origin::{Finding, Origin, Valued};
pub use show::Shown;

use crate::repository::Kind;
use crate::transport::Settings;
use layer::{Layer, Level};
use origin::Findings;

/// Name of a configuration file.
pub const FILE: &str = "packages.toml";

/// Variable that names a file to take in the place of the user's.
pub const CONFIG_VARIABLE: &str = "EXTENSION_REGISTRY_CONFIG";
/// Variable with the registry of the repository `oci`.
pub const REGISTRY_VARIABLE: &str = "EXTENSION_REGISTRY_OCI_REGISTRY";
/// Variable with its namespace.
pub const NAMESPACE_VARIABLE: &str = "EXTENSION_REGISTRY_OCI_NAMESPACE";
/// Variable with more folders of packages, as a path list.
pub const PATHS_VARIABLE: &str = "EXTENSION_REGISTRY_EXTENSIONS_PATH";
/// Variable with the folder of the cache.
pub const CACHE_VARIABLE: &str = "EXTENSION_REGISTRY_CACHE_DIR";

/// Name of the repository that `[oci]` makes.
const OCI: &str = "oci";
/// A configuration is no longer than this.
const LONGEST: u64 = 1 << 20;

/// Which kinds of repositories are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// All of them.
    #[default]
    Auto,
    /// OCI registries.
    Oci,
    /// Gitea and Forgejo.
    Gitea,
    /// Maven repositories.
    Maven,
    /// Folders of this machine.
    Local,
}

impl Source {
    const ALL: [Self; 5] = [Self::Auto, Self::Oci, Self::Gitea, Self::Maven, Self::Local];

    /// Reads a name.
    ///
    /// # Errors
    /// The way out, where it is none.
    pub fn of(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|source| source.name() == name)
            .ok_or_else(|| near(name, &Self::ALL.map(Self::name)))
    }

    /// Its name in configuration and flags.
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

    /// Whether a repository is asked. A Maven repository in a folder is both, `maven` and `local`.
    #[must_use]
    pub fn takes(self, repository: &RepositoryConfig) -> bool {
        match self {
            Self::Auto => true,
            Self::Oci => repository.kind.value == Kind::Oci,
            Self::Gitea => repository.kind.value == Kind::Gitea,
            Self::Maven => repository.kind.value == Kind::Maven,
            Self::Local => matches!(repository.url.value, Location::Folder(_)),
        }
    }
}

/// What flags say. What is none was not said.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--source`.
    pub source: Option<Source>,
    /// `--registry`: that of the repository `oci`.
    pub registry: Option<String>,
    /// `--namespace`: that of the repository `oci`.
    pub namespace: Option<String>,
    /// `--path`: more folders of packages.
    pub paths: Vec<PathBuf>,
    /// `--insecure`: plain text to the repository `oci`.
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
    /// Which kinds of repositories are asked.
    pub source: Valued<Source>,
    /// Every repository, in the order in which they are asked: by priority, then as they stand in the files.
    pub repositories: Vec<RepositoryConfig>,
    /// The cache.
    pub cache: CacheConfig,
    /// `[trust]`, as it was written: of the system's file, or of the user's where the system has none (R16).
    pub trust: Option<Valued<toml::Table>>,
    /// What should be known, and stops nothing.
    pub warnings: Vec<Finding>,
}

/// One repository.
#[derive(Clone, Debug)]
pub struct RepositoryConfig {
    /// Its name, which no other has.
    pub name: String,
    /// Where it was said first.
    pub defined: Origin,
    /// Its kind.
    pub kind: Valued<Kind>,
    /// Where it is.
    pub url: Valued<Location>,
    /// Registry and namespace, where the address is made of them: those of `[oci]`.
    pub parts: Option<(Valued<String>, Valued<String>)>,
    /// Of Gitea: whose packages they are.
    pub owner: Option<Valued<String>>,
    /// Of Maven: the group of its packages.
    pub group: Option<Valued<String>>,
    /// A higher one is asked first.
    pub priority: Valued<i64>,
    /// Whether it is the System Repository (seed 001, section 6.A).
    pub system: Valued<bool>,
    /// Packages that are known to be there, where nothing can be listed.
    pub names: Valued<Vec<String>>,
    /// Copies of it, which are asked before it. Its token file is not for them.
    pub mirrors: Valued<Vec<Location>>,
    /// Whether plain text is allowed beyond this machine.
    pub insecure: Valued<bool>,
    /// How long to wait for an answer.
    pub timeout: Valued<Duration>,
    /// Tries after the first.
    pub retry_count: Valued<usize>,
    /// A file of authorities of servers, as PEM, beside those of the system.
    pub ca: Option<Valued<PathBuf>>,
    /// A file with a token for its server, and for no other.
    pub auth_token_path: Option<Valued<PathBuf>>,
}

impl RepositoryConfig {
    /// How calls to it are made.
    ///
    /// # Errors
    /// When its file of authorities cannot be read.
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

/// The cache.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// Its folder.
    pub path: Valued<PathBuf>,
    /// How long what a repository listed is taken without asking again.
    pub ttl: Valued<Duration>,
    /// The largest content that is fetched, in bytes.
    pub max_content: Valued<u64>,
}

/// Why there is no configuration. It holds no credential.
#[derive(thiserror::Error, Debug)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("failed to read {path}: {error}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file that a flag or a variable names is not there.
    #[error("{path}, which --config or {CONFIG_VARIABLE} names, is not there; hint: name another file, or leave it out", path = path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// Something has to be mended. All of it is here, one a line.
    #[error("{}", lines(.0))]
    Wrong(Vec<Finding>),
}

fn lines(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Config {
    /// Reads the files, the environment and the flags. A file that is not there says nothing.
    ///
    /// # Errors
    /// When a file cannot be read, or something in it has to be mended; all that has to be is said at once.
    pub fn load(
        places: &Places,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut findings = Findings::default();
        let named = environment.path(CONFIG_VARIABLE);
        let files = [
            (Level::System, places.system.as_ref()),
            (Level::User, named.as_ref().or(places.user.as_ref())),
            (Level::Project, places.project.as_ref()),
        ];
        let mut layers: Vec<Layer> = Vec::new();
        for (level, path) in files {
            let Some(path) = path else { continue };
            if let Some(text) = text(path)? {
                layers.push(layer::read(level, path, &text, &mut findings));
            } else if level == Level::User && named.is_some() {
                return Err(ConfigError::Missing { path: path.clone() });
            }
        }
        merge::merge(layers, environment, flags, findings)
    }

    /// The repositories that are asked, in this order: those of the kind of source that was chosen.
    pub fn asked(&self) -> impl Iterator<Item = &RepositoryConfig> {
        let source = self.source.value;
        self.repositories
            .iter()
            .filter(move |repository| source.takes(repository))
    }

    /// The repository of a name.
    #[must_use]
    pub fn repository(&self, name: &str) -> Option<&RepositoryConfig> {
        self.repositories
            .iter()
            .find(|repository| repository.name == name)
    }

    /// The System Repository, where the system's file has one.
    #[must_use]
    pub fn system_repository(&self) -> Option<&RepositoryConfig> {
        self.repositories
            .iter()
            .find(|repository| repository.system.value)
    }
}

/// The text of a file. None, where there is no such file.
fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    let failed = |error| ConfigError::Read {
        path: path.to_owned(),
        error,
    };
    match read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(failed(std::io::Error::other("it is no UTF-8"))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The bytes of a file that a person wrote: there are not many.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    if length as u64 > LONGEST {
        return Err(std::io::Error::other("it has more than 1 MiB"));
    }
    Ok(bytes)
}

/// The way out for a word that is none of those that are known.
fn near(word: &str, known: &[&str]) -> String {
    match suggest::closest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
