//! Packs a folder. The same folder gives the same bytes, wherever and whenever it is packed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::Limits;
use super::entry::inside;
use crate::digest::Digest;
use crate::manifest::FILE;

/// Operating system of a gzip header that says nothing (RFC 1952, section 2.3.1).
const UNKNOWN_SYSTEM: u8 = 255;

/// What was packed.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Digest of the archive.
    pub digest: Digest,
    /// Bytes of the archive.
    pub size: u64,
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
    /// A file is not what it was when its packing began.
    #[error("{0} changed while it was packed; hint: try again when nobody writes it")]
    Changed(PathBuf),
    /// The archive cannot be written.
    #[error("failed to write the package: {0}")]
    Write(io::Error),
}

/// Packs a folder into a writer: all its files, but those whose names begin with a dot. No file is held in
/// memory.
///
/// Entries are sorted by path, belong to nobody, and say of their files only whether they can be run. Their
/// time is `SOURCE_DATE_EPOCH` of the environment, in seconds, else zero
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
///
/// # Errors
/// Where there is no manifest, a file cannot be read, something is no plain file, or the writer fails. It has a
/// part of the archive then.
pub fn pack(folder: &Path, into: impl Write, limits: Limits) -> Result<Bundle, PackError> {
    if !folder.join(FILE).is_file() {
        return Err(PackError::NoManifest(folder.to_owned()));
    }
    let files = files(folder)?;
    if files.len() > limits.entries {
        return Err(PackError::TooLarge(limits));
    }
    let time = std::env::var("SOURCE_DATE_EPOCH").ok();
    let time = time.and_then(|text| text.parse().ok()).unwrap_or(0);
    let writer = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Hashing::new(into), Compression::best());
    let mut archive = Builder::new(writer);
    let mut left = limits.bytes;
    for (name, path) in &files {
        let failed = |error| PackError::Read {
            path: path.clone(),
            error,
        };
        let file = File::open(path).map_err(failed)?;
        let known = file.metadata().map_err(failed)?;
        left = left
            .checked_sub(known.len())
            .ok_or(PackError::TooLarge(limits))?;
        let is_run = known.permissions().mode() & 0o100 != 0;
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(known.len());
        header.set_mode(if is_run { 0o755 } else { 0o644 });
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_path(name).map_err(|_| PackError::Name {
            path: path.clone(),
            why: "its path is longer than a tar archive can hold (255 bytes, 100 of them the name)",
        })?;
        header.set_cksum();
        let mut content = Content::new(file, known.len());
        let appended = archive.append(&header, &mut content);
        if let Some(error) = content.failed {
            return Err(failed(error));
        }
        appended.map_err(PackError::Write)?;
        if !content.is_whole().map_err(failed)? {
            return Err(PackError::Changed(path.clone()));
        }
    }
    let (mut into, digest, size) = archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(PackError::Write)?
        .finish();
    into.flush().map_err(PackError::Write)?;
    Ok(Bundle {
        digest,
        size,
        files: files.into_keys().collect(),
    })
}

/// A file as its header says it is: no byte more. It remembers why reading failed, for the archive cannot tell
/// that from a writer that failed.
struct Content {
    file: File,
    left: u64,
    failed: Option<io::Error>,
}

impl Content {
    fn new(file: File, size: u64) -> Self {
        Self {
            file,
            left: size,
            failed: None,
        }
    }

    /// Whether it ended where it should.
    fn is_whole(&mut self) -> io::Result<bool> {
        Ok(self.left == 0 && self.file.read(&mut [0])? == 0)
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..most]) {
            Ok(count) => {
                self.left -= count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
}

/// A writer that hashes and counts what goes through it.
struct Hashing<W> {
    into: W,
    hasher: Sha256,
    size: u64,
}

impl<W> Hashing<W> {
    fn new(into: W) -> Self {
        Self {
            into,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> (W, Digest, u64) {
        (self.into, Digest::finish(self.hasher), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.into.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// The files of a folder that go into its package, by their path there: all but those whose names, or the names
/// of whose folders, begin with a dot.
///
/// # Errors
/// When a folder cannot be read, or something in it is no plain file or has a name that a package cannot have.
pub fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, PackError> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    Ok(files)
}

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
