//! Configuration: repositories, cache and trust, with the origin of each value.
//!
//! Precedence, lowest first: defaults, system file, user file, project file, environment, flags. A project file
//! is untrusted, so it can add repositories but not change where credentials are sent or which keys are
//! trusted.
//!
//! Files are TOML with the keys `[oci]`, `[extensions]`, `[[repository]]` for each further repository,
//! `[cache]` and `[trust]`. `docs/reference/packages-config.md` describes every key.

mod fields;
mod files;
mod layer;
mod location;
mod merge;
mod model;
mod origin;
mod part;
mod show;

use std::path::Path;

pub use crate::environment::Environment;
pub use files::{FILE, Places, user_file};
pub use location::Location;
pub use model::{
    CACHE_VARIABLE, CONFIG_VARIABLE, CacheConfig, Config, ConfigError, Flags, NAMESPACE_VARIABLE,
    PATHS_VARIABLE, REGISTRY_VARIABLE, RepositoryConfig, Source,
};
pub use origin::{ConfigDiagnostic, Origin, Valued};
pub use show::ConfigValue;

use layer::Layer;
use origin::ConfigDiagnostics;
use part::Level;

impl Config {
    /// Loads the files, the environment and the flags. Missing files are skipped.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, or the configuration is invalid; all errors are reported at
    /// once.
    pub fn load(
        places: &Places,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut findings = ConfigDiagnostics::default();
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
}

/// Reads a file; None if it does not exist.
fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    let failed = |error| ConfigError::Read {
        path: path.to_owned(),
        error,
    };
    match files::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(failed(std::io::Error::other("invalid UTF-8"))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
