//! Packs a folder. The same folder gives the same bytes, wherever and whenever it is packed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use extension_registry_core::hex::hex;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::Limits;
use super::entry::inside;
use crate::manifest::FILE;

/// Operating system of a gzip header that says nothing (RFC 1952, section 2.3.1).
const UNKNOWN_SYSTEM: u8 = 255;

/// A packed package.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The archive.
    pub bytes: Vec<u8>,
    /// SHA-256 of the archive, in small hexadecimal digits.
    pub sha256: String,
    /// Paths of its files, in the order of the archive.
    pub files: Vec<String>,
}

/// Why a folder cannot be packed.
#[derive(thiserror::Error, Debug)]
pub enum PackError {
    /// There is nothing to pack.
    #[error("{0} has no {FILE}; hint: add one, with a `name` and a `version` under `extension`")]
    NoManifest(PathBuf),
    /// Something is neither a file nor a folder.
    #[error("{0} is no file and no folder; hint: put a copy of what it leads to in its place")]
    NotAFile(PathBuf),
    /// A name cannot travel.
    #[error("{path:?} cannot be packed: {why}")]
    Name {
        /// Which file.
        path: PathBuf,
        /// What is wrong with its name.
        why: &'static str,
    },
    /// There is too much.
    #[error("the package is larger than {} bytes in {} files", .0.bytes, .0.entries)]
    TooLarge(Limits),
    /// A file cannot be read.
    #[error("failed to read {path}: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Packs a folder: all its files, but those whose names begin with a dot.
///
/// Entries are sorted by path, belong to nobody, and say of their files only whether they can be run. Their
/// time is `SOURCE_DATE_EPOCH` of the environment, in seconds, else zero
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
///
/// # Errors
/// Where there is no manifest, a file cannot be read, or something is no plain file.
pub fn pack(folder: &Path, limits: Limits) -> Result<Bundle, PackError> {
    if !folder.join(FILE).is_file() {
        return Err(PackError::NoManifest(folder.to_owned()));
    }
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    if files.len() > limits.entries {
        return Err(PackError::TooLarge(limits));
    }
    let time = std::env::var("SOURCE_DATE_EPOCH").ok();
    let time = time.and_then(|text| text.parse().ok()).unwrap_or(0);
    let writer = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), Compression::best());
    let mut archive = Builder::new(writer);
    let mut left = limits.bytes;
    for (name, path) in &files {
        let failed = |error| PackError::Read {
            path: path.clone(),
            error,
        };
        let content = fs::read(path).map_err(failed)?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or(PackError::TooLarge(limits))?;
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(if mode & 0o100 == 0 { 0o644 } else { 0o755 });
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_path(name).map_err(|_| PackError::Name {
            path: path.clone(),
            why: "its path is longer than a tar archive can hold (255 bytes, 100 of them the name)",
        })?;
        header.set_cksum();
        archive.append(&header, &*content).map_err(failed)?;
    }
    let failed = |error| PackError::Read {
        path: folder.to_owned(),
        error,
    };
    let bytes = archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(failed)?;
    Ok(Bundle {
        sha256: hex(&Sha256::digest(&bytes)),
        bytes,
        files: files.into_keys().collect(),
    })
}

/// Files below a folder, by their path in the package.
fn collect(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, PathBuf>,
) -> Result<(), PackError> {
    let failed = |error| PackError::Read {
        path: folder.to_owned(),
        error,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let why = "its name is no text (UTF-8)";
            return Err(PackError::Name { path, why });
        };
        if name.starts_with('.') {
            continue;
        }
        let inner = format!("{prefix}{name}");
        if let Err(why) = inside(&inner) {
            return Err(PackError::Name { path, why });
        }
        // The type of the link, not of what it leads to.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            collect(&path, &format!("{inner}/"), files)?;
        } else if kind.is_file() {
            files.insert(inner, path);
        } else {
            return Err(PackError::NotAFile(path));
        }
    }
    Ok(())
}
