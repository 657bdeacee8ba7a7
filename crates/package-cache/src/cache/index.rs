//! `index.json`: cached entries of the last listing.
//!
//! The index is only an optimization of listings: a row is valid while the `entry.json` that it was read from
//! is unchanged. If it is missing, corrupt or outdated, one listing is slow. Look-ups do not read it, and
//! storing or deleting does not write it.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Row};
use super::layout::Layout;

/// Format version of the file. Other versions are ignored.
const FORM: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct File {
    form: u32,
    entries: HashMap<String, Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    stamp: Stamp,
    entry: Row,
}

/// Identifies a file and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    changed: i64,
    nanoseconds: i64,
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            changed: metadata.ctime(),
            nanoseconds: metadata.ctime_nsec(),
        }
    }
}

/// Rows of the last listing, by path below `extensions`.
pub(super) struct Index {
    old: HashMap<String, Line>,
    new: HashMap<String, Line>,
    is_changed: bool,
}

impl Index {
    /// Reads the index; empty if it cannot be read.
    pub(super) fn read(layout: &Layout) -> Self {
        let file: Option<File> = (fs::read(layout.index()).ok())
            .and_then(|text| serde_json::from_slice(&text).ok())
            .filter(|file: &File| file.form == FORM);
        let is_changed = file.is_none();
        Self {
            old: file.unwrap_or_default().entries,
            new: HashMap::new(),
            is_changed,
        }
    }

    /// Returns the row of a path if the file is unchanged.
    pub(super) fn take(&mut self, path: &str, stamp: Stamp) -> Option<Row> {
        let line = self.old.remove(path)?;
        if line.stamp != stamp {
            self.is_changed = true;
            return None;
        }
        let entry = line.entry.clone();
        self.new.insert(path.to_owned(), line);
        Some(entry)
    }

    /// Adds an entry.
    pub(super) fn put(&mut self, path: String, stamp: Stamp, entry: &Entry) {
        let entry = Row::from(entry);
        self.new.insert(path, Line { stamp, entry });
        self.is_changed = true;
    }

    /// Writes the index if it changed. Failures are ignored: they only make the next listing slow.
    pub(super) fn write(self, layout: &Layout) {
        if !self.is_changed && self.old.is_empty() {
            return;
        }
        let file = File {
            form: FORM,
            entries: self.new,
        };
        let write = || -> std::io::Result<()> {
            let mut fresh = tempfile::Builder::new()
                .prefix("index-")
                .tempfile_in(layout.temporary())?;
            fresh.write_all(&serde_json::to_vec(&file)?)?;
            fresh.persist(layout.index())?;
            Ok(())
        };
        let _ = write();
    }
}
