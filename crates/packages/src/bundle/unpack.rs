//! Unpacks an archive of which nobody knows who made it.
//!
//! Everything goes into a new folder beside the one that is wanted, which takes its name only when the whole
//! archive is good (seed 003, "Security"; CVE-2021-21272 and CVE-2026-50163 are what happens else). Links are
//! refused whatever they lead to, so no entry can reach through an earlier one.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::Limits;
use super::entry::inside;

/// Headers of headers: names that are too long for one. More is an attack on memory.
const LONGEST_EXTENSION: u64 = 64 * 1024;
/// Bits that run a file as somebody else, and the sticky one.
const SPECIAL_BITS: u32 = 0o7000;

/// Why an archive was refused. Nothing of it was kept.
#[derive(thiserror::Error, Debug)]
pub enum UnpackError {
    /// An entry does what no package needs.
    #[error(
        "the bundle was refused: entry {name:?}: {why}; hint: do not use it, and tell whoever published it"
    )]
    Entry {
        /// Name of the entry.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is too much in it.
    #[error("the bundle was refused: it unpacks to more than {} bytes or {} entries; hint: raise the limit only if you know who made it", .0.bytes, .0.entries)]
    TooLarge(Limits),
    /// It is no archive, or ends in the middle.
    #[error("the bundle cannot be read: {0}; hint: get it again")]
    NoArchive(io::Error),
    /// The folder is there already.
    #[error("{0} is there already; hint: remove it, or choose another folder")]
    Exists(PathBuf),
    /// It cannot be written here.
    #[error("failed to write {path}: {error}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Unpacks an archive into a folder, which must not exist yet and whose parent must. Gives the paths of its
/// files.
///
/// # Errors
/// Whatever is wrong, nothing stays: not the folder, and nothing beside it.
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
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Removes what is in it, unless it was renamed.
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
    // Made for its owner alone; what is in it is for whoever may come here.
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(fresh.path(), everybody).map_err(written)?;
    fs::rename(fresh.path(), folder).map_err(written)?;
    Ok(files)
}

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    File,
    Folder,
}

struct Unpacking<'u> {
    folder: &'u Path,
    limits: Limits,
    left: u64,
    kinds: HashMap<PathBuf, Stands>,
    files: Vec<PathBuf>,
}

impl Unpacking<'_> {
    fn all(&mut self, archive: impl Read) -> Result<(), UnpackError> {
        // Headers and padding count too: an archive of nothing but headers has to end as well.
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
        // Raw: extensions are read here, where their size is looked at first.
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
                    return Err(refused("", "a header is longer than any name"));
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
                refused(&name, "its path is no text (UTF-8)")
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
        let stands = match kind {
            EntryType::Regular | EntryType::Continuous => Stands::File,
            EntryType::Directory => Stands::Folder,
            EntryType::Symlink | EntryType::Link => {
                return Err(refused(name, "it is a link"));
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(refused(name, "it is a device"));
            }
            _ => return Err(refused(name, "its type is none that a package has")),
        };
        let mode = entry.header().mode().map_err(unreadable)?;
        if mode & SPECIAL_BITS != 0 {
            return Err(refused(name, "it would run as somebody else"));
        }
        // tar writes the folder itself as `./`, and folders with a slash behind them.
        let plain = name.strip_prefix("./").unwrap_or(name);
        let plain = match stands {
            Stands::Folder => plain.strip_suffix('/').unwrap_or(plain),
            Stands::File => plain,
        };
        if stands == Stands::Folder && matches!(plain, "" | ".") {
            return Ok(());
        }
        let path = inside(plain).map_err(|why| refused(name, why))?;
        self.claim(name, &path, stands)?;
        if stands == Stands::Folder {
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

    /// Takes a path, and makes the folders that lead to it.
    fn claim(&mut self, name: &str, path: &Path, stands: Stands) -> Result<(), UnpackError> {
        let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
        ancestors.pop();
        for folder in ancestors.into_iter().rev() {
            self.folder(name, folder)?;
        }
        match stands {
            Stands::Folder => self.folder(name, path),
            Stands::File => match self.kinds.insert(path.to_owned(), Stands::File) {
                None => Ok(()),
                Some(_) => Err(refused(name, "its path is there a second time")),
            },
        }
    }

    fn folder(&mut self, name: &str, path: &Path) -> Result<(), UnpackError> {
        match self.kinds.get(path) {
            Some(Stands::Folder) => Ok(()),
            Some(Stands::File) => Err(refused(name, "a file is where it needs a folder")),
            None => {
                if self.kinds.len() >= self.limits.entries {
                    return Err(UnpackError::TooLarge(self.limits));
                }
                self.kinds.insert(path.to_owned(), Stands::Folder);
                fs::create_dir(self.folder.join(path)).map_err(|error| UnpackError::Write {
                    path: path.to_owned(),
                    error,
                })
            }
        }
    }
}

fn refused(name: &str, why: &'static str) -> UnpackError {
    // A name may be as long as its maker liked.
    let name = name.chars().take(200).collect();
    UnpackError::Entry { name, why }
}

/// The path of an extended header (POSIX.1-2001, pax, "pax Extended Header": `LENGTH KEY=VALUE\n`).
fn pax_name(header: &[u8]) -> Result<Option<Vec<u8>>, UnpackError> {
    let mut name = None;
    let mut rest = header;
    while !rest.is_empty() {
        let record = record(rest).ok_or_else(|| refused("", "an extended header is broken"))?;
        match record.key {
            b"path" => name = Some(record.value.to_vec()),
            b"size" => return Err(refused("", "an extended header changes the size of a file")),
            _ => {}
        }
        rest = &rest[record.length..];
    }
    Ok(name)
}

/// A record of an extended header.
struct Record<'h> {
    key: &'h [u8],
    value: &'h [u8],
    length: usize,
}

/// The first record.
fn record(header: &[u8]) -> Option<Record<'_>> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&header[..space]).ok()?.parse().ok()?;
    let text = header.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    Some(Record {
        key: &text[..equals],
        value: &text[equals + 1..],
        length,
    })
}

fn until_zero(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == 0);
    &text[..end.unwrap_or(text.len())]
}

/// A reader that ends in an error where there is more than anybody wants.
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
