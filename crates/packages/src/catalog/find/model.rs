//! Where versions are, and a version with its metadata.

use std::collections::BTreeMap;

use extension_registry_core::diagnostic::Note;

use crate::catalog::{Source, SourceFailure};
use crate::spec::Spec;

/// Versions of a package in all sources that responded.
#[derive(Clone, Debug, Default)]
pub struct VersionListing {
    /// Name of the package.
    pub name: String,
    /// Where each version is available: indices of sources, the highest priority first.
    pub versions: BTreeMap<semver::Version, Vec<usize>>,
    /// Sources whose query failed.
    pub failures: Vec<SourceFailure>,
}

/// A version in one source, with its metadata.
#[derive(Clone, Debug)]
pub struct ResolvedVersion<'c> {
    /// The source.
    pub source: &'c Source,
    /// Metadata of the version.
    pub spec: Spec,
    /// Failures of other sources, none of which has a higher priority.
    pub warnings: Vec<Note>,
}

impl<'c> ResolvedVersion<'c> {
    /// Creates a version without warnings.
    pub(in crate::catalog) fn of(source: &'c Source, spec: Spec) -> Self {
        Self {
            source,
            spec,
            warnings: Vec::new(),
        }
    }
}
