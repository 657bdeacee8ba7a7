//! How much is there.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use super::remove::{files_in, on_disk};
use super::{Cache, changed};

/// How much is in the cache (R48).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Versions of packages.
    pub entries: usize,
    /// Things that cannot be read.
    pub faults: usize,
    /// Different files.
    pub blobs: usize,
    /// Transfers that are not finished.
    pub partial: usize,
    /// Bytes that the whole cache takes of the disk, as `du` counts them: a file of many names once, whole
    /// blocks, and folders.
    pub bytes: u64,
    /// By type.
    pub types: BTreeMap<String, TypeStats>,
    /// When it was pruned the last time.
    pub last_pruned: Option<SystemTime>,
}

/// How much there is of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeStats {
    /// Versions of packages.
    pub entries: usize,
    /// Bytes of their files, as if nothing was shared.
    pub bytes: u64,
}

impl Cache {
    /// Counts. What comes and goes meanwhile is counted or not.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let listing = self.list();
        let mut types: BTreeMap<String, TypeStats> = BTreeMap::new();
        for entry in &listing.entries {
            let of_type = types.entry(entry.kind.name().to_owned()).or_default();
            of_type.entries += 1;
            of_type.bytes += entry.size();
        }
        Stats {
            entries: listing.entries.len(),
            faults: listing.faults.len(),
            blobs: files_in(&self.layout.blobs()).len(),
            partial: files_in(&self.layout.partial()).len(),
            bytes: bytes(self.root(), &mut HashSet::new()),
            types,
            last_pruned: changed(&self.layout.last_pruned()),
        }
    }
}

fn bytes(path: &Path, seen: &mut HashSet<(u64, u64)>) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else {
        return 0;
    };
    if found.is_dir() {
        let below = files_in(path);
        let below = below.iter().map(|path| bytes(path, seen));
        return on_disk(&found) + below.sum::<u64>();
    }
    let is_new = found.nlink() == 1 || seen.insert((found.dev(), found.ino()));
    if is_new { on_disk(&found) } else { 0 }
}
