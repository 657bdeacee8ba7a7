//! Deletes selected or unused entries.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use semver::Version;

use extension_registry_package_format::manifest::Kind;

use super::entry::{Entry, Key, ReadResult};
use super::error::CacheError;
use super::layout::{HTTP_CACHE, LISTINGS};
use super::{Cache, Fault, changed, entry, mark, partial};

/// What to clear. An empty selector is an error.
#[derive(Clone, Debug)]
pub enum Selector {
    /// Everything, including interrupted downloads and cached listings.
    All,
    /// Entries that match all given fields; at least one is required.
    Only {
        /// Type.
        kind: Option<Kind>,
        /// Name.
        name: Option<String>,
        /// Version.
        version: Option<Version>,
    },
}

impl Selector {
    fn fits(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Only {
                kind,
                name,
                version,
            } => {
                kind.as_ref().is_none_or(|kind| *kind == key.kind)
                    && name.as_ref().is_none_or(|name| *name == key.name)
                    && version
                        .as_ref()
                        .is_none_or(|version| *version == key.version)
            }
        }
    }
}

/// Result of a deletion.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    /// Deleted versions.
    pub versions: Vec<Key>,
    /// Number of deleted blobs, which no other entry uses.
    pub blobs: usize,
    /// Number of deleted interrupted downloads.
    pub partial: usize,
    /// Freed disk space in bytes.
    pub bytes: u64,
    /// Faults that were left.
    pub faults: Vec<Fault>,
}

impl Cache {
    /// Deletes matching entries, including corrupt ones.
    ///
    /// # Errors
    /// Returns [`CacheError::NoSelector`] if the selector is empty, and an error if something cannot be
    /// deleted.
    pub fn clear(&self, selector: &Selector) -> Result<Removed, CacheError> {
        if matches!(
            selector,
            Selector::Only {
                kind: None,
                name: None,
                version: None
            }
        ) {
            return Err(CacheError::NoSelector);
        }
        let _lock = self.lock()?;
        let mut removed = Removed::default();
        for (key, folder) in self.keys(&mut removed.faults) {
            if selector.fits(&key) {
                self.remove(key, &folder, &mut removed)?;
            }
        }
        if matches!(selector, Selector::All) {
            self.remove_partial(|_| true, &mut removed);
            let _ = fs::remove_file(self.layout.index());
            // These files are recreated on demand.
            for folder in [HTTP_CACHE, LISTINGS] {
                let _ = fs::remove_dir_all(self.root().join(folder));
            }
        }
        self.collect(&mut removed)?;
        Ok(removed)
    }

    /// Deletes entries that were not used for this time, and abandoned downloads. Entries for which `keep`
    /// returns true, such as those in a lock file or installed ones, remain. `keep` is called under the lock
    /// and must not modify the cache.
    ///
    /// Corrupt entries remain and are reported: whether to keep them is unknown.
    ///
    /// # Errors
    /// Returns an error if something cannot be deleted.
    pub fn prune(
        &self,
        older_than: Duration,
        now: SystemTime,
        keep: &dyn Fn(&Entry) -> bool,
    ) -> Result<Removed, CacheError> {
        // A time in the future has no age.
        let is_old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > older_than);
        let _lock = self.lock()?;
        let mut removed = Removed::default();
        for (key, folder) in self.keys(&mut removed.faults) {
            match entry::read(&key, &folder, |_| Ok(())) {
                ReadResult::Entry(entry) => {
                    if is_old(self.last_used(&entry)) && !keep(&entry) {
                        self.remove(key, &folder, &mut removed)?;
                    }
                }
                ReadResult::Nothing => {}
                ReadResult::Broken(why) => removed.faults.push(Fault { path: folder, why }),
            }
        }
        let is_old_file = |path: &Path| changed(path).is_some_and(is_old);
        self.remove_partial(is_old_file, &mut removed);
        self.collect(&mut removed)?;
        mark(&self.layout.last_pruned(), now)?;
        Ok(removed)
    }

    /// Moves an entry away by one rename, then deletes it.
    fn remove(&self, key: Key, folder: &Path, removed: &mut Removed) -> Result<(), CacheError> {
        let gone = self.fresh("gone-")?;
        let place = gone.path().join("entry");
        fs::rename(folder, &place).map_err(CacheError::file("remove", folder))?;
        removed.bytes += freed(&place);
        if let Some(package) = folder.parent() {
            // Fails if other versions remain.
            let _ = fs::remove_dir(package);
        }
        let path = gone.path().to_owned();
        gone.close().map_err(CacheError::file("remove", &path))?;
        removed.versions.push(key);
        Ok(())
    }

    fn remove_partial(&self, goes: impl Fn(&Path) -> bool, removed: &mut Removed) {
        for path in files_in(&self.layout.partial()) {
            let bytes = fs::metadata(&path).map_or(0, |found| on_disk(&found));
            if goes(&path) && partial::remove_idle(&path) {
                removed.partial += 1;
                removed.bytes += bytes;
            }
        }
    }

    /// Deletes blobs without another link.
    fn collect(&self, removed: &mut Removed) -> Result<(), CacheError> {
        for path in files_in(&self.layout.blobs()) {
            let Ok(found) = fs::symlink_metadata(&path) else {
                continue;
            };
            if found.nlink() == 1 {
                fs::remove_file(&path).map_err(CacheError::file("remove", &path))?;
                removed.blobs += 1;
                removed.bytes += on_disk(&found);
            }
        }
        Ok(())
    }
}

/// Returns the disk usage of a file: POSIX counts blocks of 512 bytes.
pub(super) fn on_disk(found: &Metadata) -> u64 {
    found.blocks() * 512
}

/// Returns the space that deleting a folder frees: files with other links remain.
fn freed(folder: &Path) -> u64 {
    let mut bytes = fs::symlink_metadata(folder).map_or(0, |found| on_disk(&found));
    for item in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(found) = item.metadata() else {
            continue;
        };
        if found.is_dir() {
            bytes += freed(&item.path());
        } else if found.nlink() == 1 {
            bytes += on_disk(&found);
        }
    }
    bytes
}

pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items.map(|item| item.path()).collect()
}
