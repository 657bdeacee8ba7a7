//! Diagnostics in the files of a package.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use extension_registry_packages::config::ConfigError;
use extension_registry_packages::package::BuildError;
use extension_registry_query::finding::Finding;
use extension_registry_yaml::Diagnostics;

use crate::report::human;

/// Prints diagnostics of a file, and returns whether there is an error.
pub(crate) fn print_diagnostics(path: &Path, diagnostics: Diagnostics) -> Result<bool> {
    let file: Arc<str> = path.display().to_string().into();
    let findings: Vec<Finding> = diagnostics
        .list
        .into_iter()
        .map(|diagnostic| Finding::from_diagnostic(&file, &diagnostics.about, diagnostic))
        .collect();
    Ok(human::print_findings(&findings)?)
}

/// Unwraps a build result, printing the diagnostics of an invalid manifest.
pub(crate) fn unwrap_build<T>(result: std::result::Result<T, BuildError>) -> Result<T> {
    match result {
        Ok(unwrap_build) => Ok(unwrap_build),
        Err(BuildError::Manifest { path, diagnostics }) => {
            print_diagnostics(&path, diagnostics)?;
            Err(anyhow!("invalid package manifest {}", path.display()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Converts a configuration error. Several errors are listed with each hint below its error.
pub(crate) fn unwrap_config(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::Wrong(diagnostics) if !diagnostics.is_empty() => {
            human::combined(&diagnostics).into()
        }
        error => error.into(),
    }
}
