//! A delivered version.

use extension_registry_core::diagnostic::Note;
use extension_registry_packages::image::Image;
use extension_registry_packages::repository::Release;

/// A delivered version.
#[derive(Debug)]
pub(super) struct Served {
    /// Its image.
    pub(super) image: Image,
    /// The release of its source.
    pub(super) release: Release,
    /// Warnings of the delivery.
    pub(super) warnings: Vec<Note>,
}
