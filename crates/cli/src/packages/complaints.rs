//! What is wrong in the files of a package, each at its place.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use extension_registry_packages::package::BuildError;
use extension_registry_yaml::Complaints;

use crate::finding::Finding;
use crate::report::human;

/// Says what is wrong in a file. Whether an error is among it.
pub(crate) fn complain(path: &Path, complaints: Complaints) -> Result<bool> {
    let file: Arc<str> = path.display().to_string().into();
    let findings: Vec<Finding> = complaints
        .list
        .into_iter()
        .map(|complaint| Finding::of_complaint(&file, &complaints.about, complaint))
        .collect();
    Ok(human::complain(&findings)?)
}

/// What was built; else what is wrong is said first.
pub(crate) fn built<T>(result: std::result::Result<T, BuildError>) -> Result<T> {
    match result {
        Ok(built) => Ok(built),
        Err(BuildError::Manifest { path, complaints }) => {
            complain(&path, complaints)?;
            Err(anyhow!("{} is no manifest of a package", path.display()))
        }
        Err(error) => Err(error.into()),
    }
}
