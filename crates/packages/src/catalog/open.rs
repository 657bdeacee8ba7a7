//! From a configuration to sources.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::{Catalog, Source};
use crate::cache::ANSWERS;
use crate::config::{Config, ConfigError, Environment, Location, RepositoryConfig};
use crate::credentials::{self, Credentials, CredentialsError};
use crate::repository::folder::{self, Folder};
use crate::repository::gitea::{self, Gitea};
use crate::repository::maven::{self, Maven};
use crate::repository::mirrored::Mirrored;
use crate::repository::oci::{self, Oci};
use crate::repository::{Error, Kind, Repository};
use crate::transport::{self, Transport};

/// Group of the packages of a Maven repository, where the configuration says none.
const GROUP: &str = "io.fuseml.extensions";

/// Why a repository of the configuration cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum OpenError {
    /// A file that the configuration names cannot be read.
    #[error("repository `{id}`: {source}")]
    Config {
        /// Name of the repository.
        id: String,
        /// Why.
        source: ConfigError,
    },
    /// Credentials cannot be found.
    #[error("repository `{id}`: {source}")]
    Credentials {
        /// Name of the repository.
        id: String,
        /// Why.
        source: CredentialsError,
    },
    /// Its authorities are none.
    #[error("repository `{id}`: {source}")]
    Transport {
        /// Name of the repository.
        id: String,
        /// Why.
        source: transport::Error,
    },
    /// Its address or name cannot be one.
    #[error(transparent)]
    Repository(#[from] Error),
    /// It is in the wrong kind of place.
    #[error("repository `{id}` of kind {kind} cannot be at {place}; hint: {hint}")]
    Place {
        /// Name of the repository.
        id: String,
        /// Its kind.
        kind: Kind,
        /// Where the configuration says it is.
        place: String,
        /// What to write.
        hint: &'static str,
    },
}

impl Catalog {
    /// The sources that a configuration asks, and what should be known of them.
    ///
    /// # Errors
    /// When one cannot be used as it is configured. Nothing is asked yet.
    pub fn open(
        config: &Config,
        environment: &Environment,
    ) -> Result<(Self, Vec<String>), OpenError> {
        let mut warnings = Vec::new();
        let mut sources = Vec::new();
        for repository in config.asked() {
            sources.push(source(config, repository, environment, &mut warnings)?);
        }
        Ok((Self::new(sources), warnings))
    }

    /// An OCI registry of the configuration, for what only registries can do.
    ///
    /// # Errors
    /// When it is another kind of repository, or cannot be used as it is configured.
    pub fn oci(config: &RepositoryConfig, environment: &Environment) -> Result<Oci, OpenError> {
        let opening = Opening {
            config,
            environment,
            location: &config.url.value,
            is_copy: false,
            kept: None,
        };
        match &config.url.value {
            Location::Web(url) => opening.oci(url, &mut Vec::new()),
            Location::Folder(path) => {
                let place = path.display().to_string();
                Err(opening.place(Kind::Oci, place, "write an address"))
            }
        }
    }
}

/// A source of the configuration.
fn source(
    whole: &Config,
    config: &RepositoryConfig,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Source, OpenError> {
    let open = |location: &Location, is_copy: bool, warnings: &mut Vec<String>| {
        let opening = Opening {
            config,
            environment,
            location,
            is_copy,
            kept: Some(whole.cache.path.value.join(ANSWERS)),
        };
        opening.open(warnings)
    };
    let original = open(&config.url.value, false, warnings)?;
    let mut copies = Vec::new();
    for copy in &config.mirrors.value {
        copies.push(open(copy, true, warnings)?);
    }
    let patience = config.timeout.value;
    // A copy that says nothing takes no time from the next.
    let places = u32::try_from(copies.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let repository = if copies.is_empty() {
        original
    } else {
        Arc::new(Mirrored::new(copies, original, patience))
    };
    Ok(Source {
        repository,
        priority: config.priority.value,
        is_system: config.system.value,
        patience: patience.saturating_mul(places),
    })
}

/// A repository or a copy of it.
struct Opening<'o> {
    config: &'o RepositoryConfig,
    environment: &'o Environment,
    location: &'o Location,
    is_copy: bool,
    /// Where small answers are kept; None keeps none.
    kept: Option<PathBuf>,
}

impl Opening<'_> {
    fn open(&self, warnings: &mut Vec<String>) -> Result<Arc<dyn Repository>, OpenError> {
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
                return Err(self.place(kind, url.to_string(), "write a path"));
            }
            (kind @ (Kind::Oci | Kind::Gitea), Location::Folder(path)) => {
                return Err(self.place(kind, path.display().to_string(), "write an address"));
            }
        })
    }

    fn oci(&self, url: &Url, warnings: &mut Vec<String>) -> Result<Oci, OpenError> {
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
        let settings = settings.map_err(|source| OpenError::Config { id: id(), source })?;
        let transport = Transport::new(settings);
        let transport = transport.map_err(|source| OpenError::Transport { id: id(), source })?;
        Ok(match &self.kept {
            Some(folder) => transport.keeping(folder.clone()),
            None => transport,
        })
    }

    /// A token file is for the server that it was written for, and for no copy of it.
    fn credentials(&self, url: &Url, warnings: &mut Vec<String>) -> Result<Credentials, OpenError> {
        let token: Option<&PathBuf> = self.config.auth_token_path.as_ref().map(|path| &path.value);
        let token = token.filter(|_| !self.is_copy).map(PathBuf::as_path);
        let found = credentials::find(&credentials::server(url), token, self.environment);
        let found = found.map_err(|source| OpenError::Credentials {
            id: self.config.name.clone(),
            source,
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
