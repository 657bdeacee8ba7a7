//! What sources listed lately, so that not every look asks them again (R63).

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Source;
use super::discover::Part;
use crate::digest::Digest;

/// Listings on the disk, one file a source.
#[derive(Clone, Debug)]
pub struct Lately {
    folder: PathBuf,
    /// How long a listing counts.
    lasts: Duration,
    now: Timestamp,
    /// Whether nothing that is there counts.
    refresh: bool,
}

/// A listing as it is written. A list may be narrowed by whoever made it; this one is whole.
#[derive(Serialize, Deserialize)]
struct Kept<P> {
    /// Where the source was then: another address is another source.
    place: String,
    at: Timestamp,
    part: P,
}

impl Lately {
    /// Listings in a folder, which is made when there is one to keep.
    #[must_use]
    pub fn new(folder: PathBuf, lasts: Duration, now: Timestamp, refresh: bool) -> Self {
        Self {
            folder,
            lasts,
            now,
            refresh,
        }
    }

    fn path(&self, source: &Source) -> PathBuf {
        let name = Digest::of(source.id().as_bytes()).to_string();
        self.folder.join(format!("{}.json", &name[..16]))
    }

    /// What a source listed, where that was lately.
    pub(super) fn part(&self, source: &Source) -> Option<Part> {
        if self.refresh {
            return None;
        }
        let bytes = fs::read(self.path(source)).ok()?;
        let kept: Kept<Part> = serde_json::from_slice(&bytes).ok()?;
        let age = Duration::try_from(self.now.duration_since(kept.at)).ok()?;
        (kept.place == source.repository.place() && age < self.lasts).then_some(kept.part)
    }

    /// Keeps a listing. Where that fails, the source is asked again: nothing is lost.
    pub(super) fn keep(&self, source: &Source, part: &Part) {
        let kept = Kept {
            place: source.repository.place(),
            at: self.now,
            part,
        };
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            file.persist(self.path(source))
                .map_err(|error| error.error)?;
            Ok(())
        };
        let _ = write();
    }

    /// Forgets what a source listed: something was published there.
    pub fn forget(&self, source: &Source) {
        let _ = fs::remove_file(self.path(source));
    }
}
