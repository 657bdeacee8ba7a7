//! Packs a folder reproducibly: the same folder gives the same bytes, wherever and whenever it is packed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Explain;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::Limits;
use super::entry::inside;
use crate::digest::Digest;
use crate::manifest::FILE;

/// Unknown operating system in a gzip header (RFC 1952, section 2.3.1).
const UNKNOWN_SYSTEM: u8 = 255;
/// Modification time of the files in reproducible archives.
const SOURCE_DATE: &str = "SOURCE_DATE_EPOCH";
/// The latest time in a ustar header: 11 octal digits.
const LATEST: u64 = 0o777_7777_7777;

/// A packed archive.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Digest of the archive.
    pub digest: Digest,
    /// Size of the archive in bytes.
    pub size: u64,
    /// Paths of its files, in archive order.
    pub files: Vec<String>,
}

/// Why a folder cannot be packed.
#[derive(thiserror::Error, Debug)]
pub enum PackError {
    /// There is no manifest.
    #[error("{FILE} not found in {0}")]
    NoManifest(PathBuf),
    /// An entry is neither a file nor a folder.
    #[error("{0} is neither a regular file nor a directory")]
    NotAFile(PathBuf),
    /// A path is not allowed.
    #[error("cannot pack {path:?}: {why}")]
    Name {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The limits are exceeded.
    #[error("the package exceeds {} bytes or {} files", .0.bytes, .0.entries)]
    TooLarge(Limits),
    /// A file cannot be read.
    #[error("failed to read {path}: {error}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// `SOURCE_DATE_EPOCH` is invalid.
    #[error("invalid SOURCE_DATE_EPOCH `{0}`: expected a number of seconds since 1970")]
    SourceDate(String),
    /// A file was modified during packing.
    #[error("{0} was modified during packing")]
    Changed(PathBuf),
    /// The archive cannot be written.
    #[error("failed to write the package: {0}")]
    Write(io::Error),
}

impl Explain for PackError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoManifest(_) => {
                "create extension.yaml, with a `name` and a `version` under `extension`"
            }
            Self::NotAFile(_) => "if it is a symbolic link, replace it with a copy of its target",
            Self::SourceDate(_) => {
                "unset it, or set it to a decimal number, such as the output of `date +%s`"
            }
            Self::Changed(_) => "try again when no process is writing to it",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Parses the value of `SOURCE_DATE_EPOCH`; zero if it is not set or empty. A wrong one is an error, since the
/// archive would not be the reproducible one.
fn source_date(value: Option<&OsStr>) -> Result<u64, PackError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(0);
    };
    let text = value.to_string_lossy();
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_decimal);
    seconds
        .filter(|seconds| *seconds <= LATEST)
        .ok_or_else(|| PackError::SourceDate(text.chars().take(80).collect()))
}

/// Packs all files of a folder, except those whose names begin with a dot, into a writer. Files are streamed.
///
/// Entries are sorted by path, have no owner, and keep only the executable bit. Their modification time is
/// `SOURCE_DATE_EPOCH` of the environment, in seconds, else zero
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
///
/// # Errors
/// Returns an error if there is no manifest, a file cannot be read or is not a regular file, or the writer
/// fails. The archive is incomplete then.
pub fn pack(folder: &Path, into: impl Write, limits: Limits) -> Result<Bundle, PackError> {
    if !folder.join(FILE).is_file() {
        return Err(PackError::NoManifest(folder.to_owned()));
    }
    let files = files(folder)?;
    if files.len() > limits.entries {
        return Err(PackError::TooLarge(limits));
    }
    let time = source_date(std::env::var_os(SOURCE_DATE).as_deref())?;
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
            why: "the path is too long for a tar archive: at most 255 bytes, and at most 100 for the file name",
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

/// A file, limited to the size in its header. It records read errors, which the archive could not distinguish
/// from write errors.
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

    /// Returns whether the file has ended at its size.
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

/// A writer that computes digest and size.
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

/// Returns the files of a folder that belong to its package, by their path in it: all except those with a name
/// or a parent folder that begins with a dot.
///
/// # Errors
/// Returns an error if a folder cannot be read, or contains a special file or a name that is not allowed.
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
            let why = "the name is not valid UTF-8";
            return Err(PackError::Name { path, why });
        };
        if name.starts_with('.') {
            continue;
        }
        let inner = format!("{prefix}{name}");
        if let Err(why) = inside(&inner) {
            return Err(PackError::Name { path, why });
        }
        // The type of the link itself, not of its target.
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use extension_registry_core::diagnostic::Explain;

    use super::{LATEST, source_date};

    #[test]
    fn invalid_source_date_is_an_error() {
        let date = |text: &str| source_date(Some(OsStr::new(text)));
        assert_eq!(source_date(None).unwrap(), 0);
        for (text, seconds) in [("", 0), ("0", 0), ("1700000000", 1_700_000_000), ("007", 7)] {
            assert_eq!(date(text).unwrap(), seconds);
        }
        assert_eq!(date(&LATEST.to_string()).unwrap(), LATEST);
        let latest = (LATEST + 1).to_string();
        for text in [
            "abc",
            "-1",
            "1e9",
            "+1",
            " 1",
            "1.5",
            "0x10",
            &latest,
            &"9".repeat(300),
        ] {
            let error = date(text).unwrap_err().explained();
            assert!(error.starts_with("invalid SOURCE_DATE_EPOCH `"), "{error}");
            assert!(error.contains("hint: unset it"), "{error}");
        }
    }
}
