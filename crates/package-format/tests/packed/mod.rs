//! Packages to pack, and their bundles.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use extension_registry_package_format::{Digest, Limits, PackError, pack};
use tempfile::TempDir;

pub(crate) const MANIFEST: &str = "extension: {name: a, version: 1.0.0}\n";

/// A bundle, and the files in it.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) files: Vec<String>,
}

pub(crate) fn packed(folder: &Path, limits: Limits) -> Result<Packed, PackError> {
    let mut bytes = Vec::new();
    let bundle = pack(folder, &mut bytes, limits)?;
    assert_eq!(bundle.size, bytes.len() as u64);
    assert_eq!(bundle.digest, Digest::of(&bytes));
    Ok(Packed {
        bytes,
        digest: bundle.digest,
        files: bundle.files,
    })
}

pub(crate) fn package() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("extension.yaml", MANIFEST);
    write("templates/b.yaml", "spec: {}\n");
    write("templates/a.yaml", "spec: {}\n");
    write("docs/README.md", "# A\n");
    write("scripts/install.sh", "#!/bin/sh\n");
    write(".git/config", "secret\n");
    let script = folder.path().join("scripts/install.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o750)).unwrap();
    folder
}
