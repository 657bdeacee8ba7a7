//! Files that are replaced atomically: a reader sees the old content or the new, never a part.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// What a file is for, which decides who can read it and whether it survives a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Can be created again: only the owner reads it, and it is not synced to disk.
    Cache,
    /// Belongs to the user: permissions follow the umask, and it is synced to disk.
    Document,
    /// State or credentials: only the owner reads it, and it is synced to disk.
    Private,
}

/// Replaces the file at `path` with what `fill` writes. The folder must exist. A symbolic link is followed, and a
/// document keeps its permissions.
///
/// The content is written to a temporary file in the same folder, which then takes the name. If it fails, the old
/// file is unchanged and the temporary file is removed.
///
/// # Errors
/// If `fill` fails, or the folder is not writable.
///
/// ```
/// use extension_registry_package_format::atomic::{self, Purpose};
/// use std::io::Write;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("extension.lock");
/// atomic::write(&path, Purpose::Document, |file| file.write_all(b"packages: []\n"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "packages: []\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(
    path: &Path,
    purpose: Purpose,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // Write through a symbolic link, which is preserved.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(path);
    let mut builder = Builder::new();
    #[cfg(unix)]
    if purpose == Purpose::Document {
        // The umask removes bits, as for every new file. Temporary files are readable by their owner only.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    fill(temporary.as_file_mut())?;
    if purpose == Purpose::Document
        && let Ok(known) = fs::metadata(path)
    {
        temporary.as_file().set_permissions(known.permissions())?;
    }
    let is_synced = purpose != Purpose::Cache;
    if is_synced {
        temporary.as_file().sync_all()?;
    }
    temporary.persist(path).map_err(|error| error.error)?;
    // Otherwise, the rename itself can be lost.
    #[cfg(unix)]
    if is_synced {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Returns the folder of a path: `.` for a plain name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Like [`write()`], with bytes.
///
/// # Errors
/// As [`write()`].
pub fn write_bytes(path: &Path, purpose: Purpose, bytes: &[u8]) -> io::Result<()> {
    write(path, purpose, |file| file.write_all(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic fails the test")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn failed_write_keeps_old_file_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_bytes(&path, Purpose::Document, b"old").unwrap();
        let error = write(&path, Purpose::Document, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert_eq!(error.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn documents_have_permissions_of_new_files() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (purpose, expected) in [
            (Purpose::Document, mode(&plain)),
            (Purpose::Private, 0o600),
            (Purpose::Cache, 0o600),
        ] {
            let path = folder.path().join("file");
            write_bytes(&path, purpose, b"x").unwrap();
            assert_eq!(mode(&path), expected, "{purpose:?}");
        }
    }

    #[test]
    fn link_and_permissions_of_document_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, b"old").unwrap();
        fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
        symlink(&target, &link).unwrap();
        write_bytes(&link, Purpose::Document, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
