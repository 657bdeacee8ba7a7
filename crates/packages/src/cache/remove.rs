//! Deleting: what somebody names, or what nobody used for long.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use semver::Version;

use crate::manifest::Kind;

use super::entry::{Entry, Found, Key};
use super::error::CacheError;
use super::place::{ANSWERS, LISTINGS};
use super::{Cache, Fault, changed, entry, mark, partial};

/// What to clear. Nothing said is nothing cleared (R60).
#[derive(Clone, Debug)]
pub enum Selector {
    /// Everything, also transfers that would go on, and what is known of sources.
    All,
    /// What all of these that are said fit; one has to be.
    Only {
        /// Of this type.
        kind: Option<Kind>,
        /// Of this name.
        name: Option<String>,
        /// Of this version.
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

/// What was deleted.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    /// Versions that are gone.
    pub versions: Vec<Key>,
    /// Blobs that are gone with them: nobody else had them.
    pub blobs: usize,
    /// Transfers that are gone.
    pub partial: usize,
    /// Bytes of the disk that are free now.
    pub bytes: u64,
    /// What is in the way and was left.
    pub faults: Vec<Fault>,
}

impl Cache {
    /// Deletes what fits, also what is broken there.
    ///
    /// # Errors
    /// [`CacheError::NoSelector`] where nothing says what; else when it cannot be deleted.
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
            // Whoever still needs these makes them again.
            for folder in [ANSWERS, LISTINGS] {
                let _ = fs::remove_dir_all(self.root().join(folder));
            }
        }
        self.collect(&mut removed)?;
        Ok(removed)
    }

    /// Deletes what was not used for so long (R48), and transfers that nobody went on with. What `keep` says,
    /// such as what a lock file names or what is installed, stays. `keep` is asked while the cache is locked:
    /// it changes nothing there.
    ///
    /// What is broken stays and is reported: nobody can say whether it is to be kept.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub fn prune(
        &self,
        older_than: Duration,
        now: SystemTime,
        keep: &dyn Fn(&Entry) -> bool,
    ) -> Result<Removed, CacheError> {
        // A time to come is no age.
        let is_old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > older_than);
        let _lock = self.lock()?;
        let mut removed = Removed::default();
        for (key, folder) in self.keys(&mut removed.faults) {
            match entry::read(&key, &folder, |_| Ok(())) {
                Found::Entry(entry) => {
                    if is_old(self.last_used(&entry)) && !keep(&entry) {
                        self.remove(key, &folder, &mut removed)?;
                    }
                }
                Found::Nothing => {}
                Found::Broken(why) => removed.faults.push(Fault { path: folder, why }),
            }
        }
        let is_old_file = |path: &Path| changed(path).is_some_and(is_old);
        self.remove_partial(is_old_file, &mut removed);
        self.collect(&mut removed)?;
        mark(&self.layout.last_pruned(), now)?;
        Ok(removed)
    }

    /// Takes an entry away with one rename, and deletes it then.
    fn remove(&self, key: Key, folder: &Path, removed: &mut Removed) -> Result<(), CacheError> {
        let gone = self.fresh("gone-")?;
        let place = gone.path().join("entry");
        fs::rename(folder, &place).map_err(CacheError::file("remove", folder))?;
        removed.bytes += freed(&place);
        if let Some(package) = folder.parent() {
            // There are other versions, where this fails.
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

    /// Deletes blobs that have no other name.
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

/// What a file takes of the disk: POSIX counts in blocks of 512 bytes.
pub(super) fn on_disk(found: &Metadata) -> u64 {
    found.blocks() * 512
}

/// What deleting a folder gives back: files that have a name elsewhere stay.
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
