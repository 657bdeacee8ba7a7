//! `index.json`: what a listing read the last time, so that it need not read it again.
//!
//! It is a memory of listings and nothing else: a row counts only while the `entry.json` that it was read from
//! is the same file, unchanged. Missing, broken, cut or older than reality, it costs one slow listing. No
//! look-up reads it, and who stores or deletes does not write it.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Row};
use super::place::Layout;

/// The form of the file. One of another form is as good as none.
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

/// What tells a file from any other, and from itself after a change.
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

/// The rows of the last listing, by path below `extensions`.
pub(super) struct Index {
    old: HashMap<String, Line>,
    new: HashMap<String, Line>,
    is_changed: bool,
}

impl Index {
    /// Reads it; empty where it cannot be read.
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

    /// What it says of a path, if the file there is still this one.
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

    /// Remembers what was read.
    pub(super) fn put(&mut self, path: String, stamp: Stamp, entry: &Entry) {
        let entry = Row::from(entry);
        self.new.insert(path, Line { stamp, entry });
        self.is_changed = true;
    }

    /// Writes it where something changed. That it cannot be written makes the next listing slow, and nothing
    /// else, so nobody is told.
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
