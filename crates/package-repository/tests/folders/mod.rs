//! Folder repositories for tests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::path::{Path, PathBuf};

use crate::contract::Bench;
use extension_registry_package_repository::folder::{Folder, Settings};
use extension_registry_package_trust::signature::{Format, Signature};

pub(crate) fn at(root: &Path) -> Folder {
    Folder::new(Settings {
        id: "shelf".to_owned(),
        root: root.to_owned(),
    })
}

/// A repository in the folder of a bench, and where it is.
pub(crate) fn folder(bench: &Bench) -> (Folder, PathBuf) {
    let root = bench.target("repository");
    (at(&root), root)
}

pub(crate) fn signature(text: &str) -> Signature {
    Signature {
        format: Format::Minisign,
        payload: b"a statement".to_vec(),
        signature: text.as_bytes().to_vec(),
    }
}
