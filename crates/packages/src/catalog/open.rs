//! Opens the sources of a configuration.

use std::path::PathBuf;
use std::sync::Arc;

use extension_registry_core::diagnostic::{Explain, Note};
use url::Url;

use super::{Catalog, Source};
use crate::cache::HTTP_CACHE;
use crate::config::{Config, ConfigError, Environment, Location, RepositoryConfig};
use crate::credentials::{self, Credentials, CredentialsError};
use crate::repository::folder::{self, Folder};
use crate::repository::gitea::{self, Gitea};
use crate::repository::maven::{self, Maven};
use crate::repository::mirrored::Mirrored;
use crate::repository::oci::{self, Oci};
use crate::repository::{Error, Kind, Repository};
use crate::transport::{self, Transport};

/// Default Maven group of packages.
const GROUP: &str = "io.fuseml.extensions";

/// Why a configured repository cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum OpenError {
    /// A file that the configuration names cannot be read.
    #[error("repository `{id}`: {cause}")]
    Config {
        /// Name of the repository.
        id: String,
        /// The cause.
        cause: ConfigError,
    },
    /// Credentials cannot be loaded.
    #[error("repository `{id}`: {cause}")]
    Credentials {
        /// Name of the repository.
        id: String,
        /// The cause.
        cause: Box<CredentialsError>,
    },
    /// The certificate authorities are invalid.
    #[error("repository `{id}`: {cause}")]
    Transport {
        /// Name of the repository.
        id: String,
        /// The cause.
        cause: transport::Error,
    },
    /// The address or the name is invalid.
    #[error(transparent)]
    Repository(#[from] Error),
    /// The kind of repository does not support this kind of location.
    #[error("invalid `url` `{place}` for repository `{id}` of kind {kind}")]
    Place {
        /// Name of the repository.
        id: String,
        /// Kind of the repository.
        kind: Kind,
        /// The configured location.
        place: String,
        /// What to write instead.
        hint: &'static str,
    },
}

impl Explain for OpenError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Config { cause, .. } => cause.hints(),
            Self::Credentials { cause, .. } => cause.hints(),
            Self::Transport { cause, .. } => cause.hints(),
            Self::Repository(error) => error.hints(),
            Self::Place { hint, .. } => vec![(*hint).to_owned()],
        }
    }
}

impl Catalog {
    /// Opens the sources of a configuration, and returns warnings about them.
    ///
    /// # Errors
    /// Returns an error if a source cannot be used as configured. No request is made yet.
    pub fn open(
        config: &Config,
        environment: &Environment,
    ) -> Result<(Self, Vec<Note>), OpenError> {
        let mut warnings = Vec::new();
        let mut sources = Vec::new();
        for repository in config.asked() {
            sources.push(source(config, repository, environment, &mut warnings)?);
        }
        Ok((Self::new(sources), warnings))
    }

    /// Opens a configured OCI registry, for operations that only registries support.
    ///
    /// # Errors
    /// Returns an error if the repository is of another kind, or cannot be used as configured.
    pub fn oci(config: &RepositoryConfig, environment: &Environment) -> Result<Oci, OpenError> {
        let opening = Opening {
            config,
            environment,
            location: &config.url.value,
            is_copy: false,
            http_cache: None,
        };
        match &config.url.value {
            Location::Web(url) => opening.oci(url, &mut Vec::new()),
            Location::Folder(path) => {
                let place = path.display().to_string();
                Err(opening.place(Kind::Oci, place, "set `url` to the address of a server"))
            }
        }
    }
}

/// Opens one source of the configuration.
fn source(
    whole: &Config,
    config: &RepositoryConfig,
    environment: &Environment,
    warnings: &mut Vec<Note>,
) -> Result<Source, OpenError> {
    let open = |location: &Location, is_copy: bool, warnings: &mut Vec<Note>| {
        let opening = Opening {
            config,
            environment,
            location,
            is_copy,
            http_cache: Some(whole.cache.path.value.join(HTTP_CACHE)),
        };
        opening.open(warnings)
    };
    let original = open(&config.url.value, false, warnings)?;
    let mut copies = Vec::new();
    for copy in &config.mirrors.value {
        copies.push(open(copy, true, warnings)?);
    }
    let timeout = config.timeout.value;
    // A mirror that does not respond must not use up the time of the next.
    let places = u32::try_from(copies.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let repository = if copies.is_empty() {
        original
    } else {
        Arc::new(Mirrored::new(copies, original, timeout))
    };
    Ok(Source {
        repository,
        priority: config.priority.value,
        is_system: config.system.value,
        timeout: timeout.saturating_mul(places),
    })
}

/// A repository or one of its mirrors.
struct Opening<'o> {
    config: &'o RepositoryConfig,
    environment: &'o Environment,
    location: &'o Location,
    is_copy: bool,
    /// Folder of the HTTP cache; None disables it.
    http_cache: Option<PathBuf>,
}

impl Opening<'_> {
    fn open(&self, warnings: &mut Vec<Note>) -> Result<Arc<dyn Repository>, OpenError> {
        let id = self.config.name.clone();
        let names = self.config.names.value.clone();
        Ok(match (self.config.kind.value, self.location) {
            (Kind::Folder, Location::Folder(root)) => Arc::new(Folder::new(folder::Settings {
                id,
                root: root.clone(),
            })),
            (Kind::Maven, Location::Folder(root)) => {
                let place = maven::Place::Folder(root.clone());
                Arc::new(self.maven(place, None, Credentials::Anonymous)?)
            }
            (Kind::Maven, Location::Web(url)) => {
                let place = maven::Place::Http(url.clone());
                Arc::new(self.maven(
                    place,
                    Some(self.transport()?),
                    self.credentials(url, warnings)?,
                )?)
            }
            (Kind::Oci, Location::Web(url)) => Arc::new(self.oci(url, warnings)?),
            (Kind::Gitea, Location::Web(url)) => {
                let owner = self.config.owner.as_ref();
                let owner = owner.map(|owner| owner.value.clone()).unwrap_or_default();
                let settings = gitea::Settings {
                    id,
                    url: url.clone(),
                    owner,
                    names,
                };
                let credentials = self.credentials(url, warnings)?;
                Arc::new(Gitea::new(settings, self.transport()?, credentials)?)
            }
            (kind @ Kind::Folder, Location::Web(url)) => {
                return Err(self.place(kind, url.to_string(), "set `url` to a path"));
            }
            (kind @ (Kind::Oci | Kind::Gitea), Location::Folder(path)) => {
                return Err(self.place(
                    kind,
                    path.display().to_string(),
                    "set `url` to the address of a server",
                ));
            }
        })
    }

    fn oci(&self, url: &Url, warnings: &mut Vec<Note>) -> Result<Oci, OpenError> {
        let settings = oci::Settings {
            id: self.config.name.clone(),
            registry: url.origin().ascii_serialization(),
            namespace: url.path().trim_matches('/').to_owned(),
            names: self.config.names.value.clone(),
        };
        let credentials = self.credentials(url, warnings)?;
        Ok(Oci::new(settings, self.transport()?, credentials)?)
    }

    fn maven(
        &self,
        place: maven::Place,
        transport: Option<Transport>,
        credentials: Credentials,
    ) -> Result<Maven, OpenError> {
        let group = self.config.group.as_ref();
        let settings = maven::Settings {
            id: self.config.name.clone(),
            place,
            group: group.map_or_else(|| GROUP.to_owned(), |group| group.value.clone()),
            names: self.config.names.value.clone(),
        };
        Ok(Maven::new(settings, transport, credentials)?)
    }

    fn transport(&self) -> Result<Transport, OpenError> {
        let id = || self.config.name.clone();
        let settings = self.config.settings();
        let settings = settings.map_err(|cause| OpenError::Config { id: id(), cause })?;
        let transport = Transport::new(settings);
        let transport = transport.map_err(|cause| OpenError::Transport { id: id(), cause })?;
        Ok(match &self.http_cache {
            Some(folder) => transport.with_http_cache(folder.clone()),
            None => transport,
        })
    }

    /// A token file belongs to the configured server, not to its mirrors.
    fn credentials(&self, url: &Url, warnings: &mut Vec<Note>) -> Result<Credentials, OpenError> {
        let token: Option<&PathBuf> = self.config.auth_token_path.as_ref().map(|path| &path.value);
        let token = token.filter(|_| !self.is_copy).map(PathBuf::as_path);
        let found = credentials::find(&credentials::server(url), token, self.environment);
        let found = found.map_err(|cause| OpenError::Credentials {
            id: self.config.name.clone(),
            cause: Box::new(cause),
        })?;
        warnings.extend(found.warnings);
        Ok(found.credentials)
    }

    fn place(&self, kind: Kind, place: String, hint: &'static str) -> OpenError {
        OpenError::Place {
            id: self.config.name.clone(),
            kind,
            place,
            hint,
        }
    }
}
