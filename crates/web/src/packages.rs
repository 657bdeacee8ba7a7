//! Repositories of packages that the site shows.

use std::sync::Arc;

use extension_registry_core::diagnostic::Note;
use extension_registry_packages::workspace::Workspace;

/// Repositories of packages that the site shows.
///
/// They are read with the credentials of this process, so the pages show them only to the user who started it.
#[derive(Clone, Debug, Default)]
pub enum Packages {
    /// None are shown.
    #[default]
    Hidden,
    /// Those of a configuration, which may be empty.
    Open(Arc<Workspace>),
    /// The configuration cannot be used, and why.
    Unusable(Note),
}
