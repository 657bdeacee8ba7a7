//! Statistics of the cache.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use super::remove::{files_in, on_disk};
use super::{Cache, changed};

/// Statistics of the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of versions.
    pub entries: usize,
    /// Number of faults.
    pub faults: usize,
    /// Number of distinct files.
    pub blobs: usize,
    /// Number of interrupted downloads.
    pub partial: usize,
    /// Disk usage of the whole cache in bytes, like `du`: hard-linked files once, whole blocks, and folders.
    pub bytes: u64,
    /// Statistics by type.
    pub types: BTreeMap<String, TypeStats>,
    /// Time of the last prune.
    pub last_pruned: Option<SystemTime>,
}

/// Statistics of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeStats {
    /// Number of versions.
    pub entries: usize,
    /// Total size of their files in bytes, without accounting for sharing.
    pub bytes: u64,
}

impl Cache {
    /// Collects the statistics. Concurrent changes may or may not be included.
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
