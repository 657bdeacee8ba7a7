//! Unpacks untrusted archives.
//!
//! Everything is written to a temporary folder beside the target, which is renamed only when the whole archive
//! is valid (compare CVE-2021-21272 and CVE-2026-50163). Links are rejected whatever their target, so no entry
//! can escape through an earlier one.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Explain;
use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::Limits;
use super::entry::inside;
use crate::atomic;

/// Maximum size of an extended header, which holds a long name. More is an attack on memory.
const LONGEST_EXTENSION: u64 = 64 * 1024;
/// The setuid, setgid and sticky bits.
const SPECIAL_BITS: u32 = 0o7000;

/// Why an archive was rejected. Nothing was kept.
#[derive(thiserror::Error, Debug)]
pub enum UnpackError {
    /// An entry is not allowed.
    #[error("invalid bundle: entry {name:?}: {why}")]
    Entry {
        /// Name of the entry.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The limits are exceeded.
    #[error("invalid bundle: it unpacks to more than {} bytes or {} entries", .0.bytes, .0.entries)]
    TooLarge(Limits),
    /// The archive is invalid or truncated.
    #[error("failed to read the bundle: {0}")]
    NoArchive(io::Error),
    /// The folder already exists.
    #[error("{0} already exists")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("failed to write {path}: {error}")]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl Explain for UnpackError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Entry { .. } => "do not use the bundle, and report it to its publisher",
            Self::TooLarge(_) => "raise the limit only if you trust the publisher of the bundle",
            Self::NoArchive(_) => "download it again",
            Self::Exists(_) => "remove it, or choose another directory",
            Self::Write { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Unpacks an archive into a folder, which must not exist and whose parent must exist. Returns the paths of its
/// files.
///
/// # Errors
/// Returns an error if the archive is invalid or cannot be written. Nothing remains then.
pub fn unpack(
    archive: impl Read,
    folder: &Path,
    limits: Limits,
) -> Result<Vec<PathBuf>, UnpackError> {
    let written = |error| UnpackError::Write {
        path: folder.to_owned(),
        error,
    };
    if folder.symlink_metadata().is_ok() {
        return Err(UnpackError::Exists(folder.to_owned()));
    }
    let parent = atomic::folder_of(folder);
    // Removed on drop, unless it was renamed.
    let fresh = tempfile::Builder::new()
        .prefix(".unpack-")
        .tempdir_in(parent)
        .map_err(written)?;
    let mut unpacking = Unpacking {
        folder: fresh.path(),
        limits,
        left: limits.bytes,
        kinds: HashMap::new(),
        files: Vec::new(),
    };
    unpacking.all(archive)?;
    let files = unpacking.files;
    // The temporary folder is private; the files in it get normal permissions.
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(fresh.path(), everybody).map_err(written)?;
    fs::rename(fresh.path(), folder).map_err(written)?;
    Ok(files)
}

/// Type of an unpacked path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathKind {
    File,
    Folder,
}

struct Unpacking<'u> {
    folder: &'u Path,
    limits: Limits,
    left: u64,
    kinds: HashMap<PathBuf, PathKind>,
    files: Vec<PathBuf>,
}

impl Unpacking<'_> {
    fn all(&mut self, archive: impl Read) -> Result<(), UnpackError> {
        // Headers and padding count too, to bound an archive of nothing but headers.
        let overhead = (self.limits.entries as u64 + 2) * (2 * 1024 + LONGEST_EXTENSION);
        let most = self.limits.bytes.saturating_add(overhead);
        let bounded = Bounded {
            inner: MultiGzDecoder::new(archive),
            left: most,
        };
        let mut archive = Archive::new(bounded);
        let limits = self.limits;
        let unreadable = |error: io::Error| {
            let is_bound = error.kind() == io::ErrorKind::FileTooLarge;
            if is_bound {
                UnpackError::TooLarge(limits)
            } else {
                UnpackError::NoArchive(error)
            }
        };
        let mut long_name = None;
        let mut count = 0;
        // Raw entries: extended headers are parsed here, after checking their size.
        for entry in archive.entries().map_err(unreadable)?.raw(true) {
            let mut entry = entry.map_err(unreadable)?;
            count += 1;
            if count > self.limits.entries {
                return Err(UnpackError::TooLarge(self.limits));
            }
            let kind = entry.header().entry_type();
            if matches!(
                kind,
                EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName
            ) {
                if entry.size() > LONGEST_EXTENSION {
                    return Err(refused("", "the extended header is too long"));
                }
                let mut text = Vec::new();
                entry.read_to_end(&mut text).map_err(unreadable)?;
                match kind {
                    EntryType::XHeader => long_name = pax_name(&text)?,
                    EntryType::GNULongName => long_name = Some(until_zero(&text).to_vec()),
                    _ => {}
                }
                continue;
            }
            let name = long_name
                .take()
                .unwrap_or_else(|| entry.header().path_bytes().into_owned());
            let name = String::from_utf8(name).map_err(|error| {
                let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
                refused(&name, "the path is not valid UTF-8")
            })?;
            self.one(&name, kind, &mut entry, &unreadable)?;
        }
        Ok(())
    }

    fn one<R: Read>(
        &mut self,
        name: &str,
        kind: EntryType,
        entry: &mut Entry<'_, R>,
        unreadable: &dyn Fn(io::Error) -> UnpackError,
    ) -> Result<(), UnpackError> {
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous => PathKind::File,
            EntryType::Directory => PathKind::Folder,
            EntryType::Symlink | EntryType::Link => {
                return Err(refused(name, "links are not allowed"));
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(refused(name, "device files are not allowed"));
            }
            _ => return Err(refused(name, "this entry type is not allowed")),
        };
        let mode = entry.header().mode().map_err(unreadable)?;
        if mode & SPECIAL_BITS != 0 {
            return Err(refused(
                name,
                "setuid, setgid and sticky bits are not allowed",
            ));
        }
        // tar writes the folder itself as `./`, and folders with a trailing slash.
        let plain = name.strip_prefix("./").unwrap_or(name);
        let plain = match kind {
            PathKind::Folder => plain.strip_suffix('/').unwrap_or(plain),
            PathKind::File => plain,
        };
        if kind == PathKind::Folder && matches!(plain, "" | ".") {
            return Ok(());
        }
        let path = inside(plain).map_err(|why| refused(name, why))?;
        self.claim(name, &path, kind)?;
        if kind == PathKind::Folder {
            return Ok(());
        }
        let place = self.folder.join(&path);
        let written = |error| UnpackError::Write {
            path: path.clone(),
            error,
        };
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(if mode & 0o100 == 0 { 0o644 } else { 0o755 })
            .open(&place)
            .map_err(written)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = entry.read(&mut buffer).map_err(unreadable)?;
            if count == 0 {
                break;
            }
            self.left = self
                .left
                .checked_sub(count as u64)
                .ok_or(UnpackError::TooLarge(self.limits))?;
            io::Write::write_all(&mut file, &buffer[..count]).map_err(written)?;
        }
        self.files.push(path);
        Ok(())
    }

    /// Claims a path, and creates its parent folders.
    fn claim(&mut self, name: &str, path: &Path, kind: PathKind) -> Result<(), UnpackError> {
        let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
        ancestors.pop();
        for folder in ancestors.into_iter().rev() {
            self.folder(name, folder)?;
        }
        match kind {
            PathKind::Folder => self.folder(name, path),
            PathKind::File => match self.kinds.insert(path.to_owned(), PathKind::File) {
                None => Ok(()),
                Some(_) => Err(refused(name, "duplicate path")),
            },
        }
    }

    fn folder(&mut self, name: &str, path: &Path) -> Result<(), UnpackError> {
        match self.kinds.get(path) {
            Some(PathKind::Folder) => Ok(()),
            Some(PathKind::File) => Err(refused(name, "the parent path is a file")),
            None => {
                if self.kinds.len() >= self.limits.entries {
                    return Err(UnpackError::TooLarge(self.limits));
                }
                self.kinds.insert(path.to_owned(), PathKind::Folder);
                fs::create_dir(self.folder.join(path)).map_err(|error| UnpackError::Write {
                    path: path.to_owned(),
                    error,
                })
            }
        }
    }
}

fn refused(name: &str, why: &'static str) -> UnpackError {
    // Bound the length of the untrusted name.
    let name = name.chars().take(200).collect();
    UnpackError::Entry { name, why }
}

/// Returns the path in a pax extended header.
fn pax_name(header: &[u8]) -> Result<Option<Vec<u8>>, UnpackError> {
    let mut name = None;
    for record in PaxExtensions::new(header) {
        let record = record.map_err(|_| refused("", "invalid extended header"))?;
        match record.key_bytes() {
            b"path" => name = Some(record.value_bytes().to_vec()),
            b"size" => {
                return Err(refused(
                    "",
                    "extended headers must not change the size of a file",
                ));
            }
            _ => {}
        }
    }
    Ok(name)
}

fn until_zero(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == 0);
    &text[..end.unwrap_or(text.len())]
}

/// A reader that fails when the limit is exceeded.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(count)
    }
}
