//! Caches the listings of sources on disk.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use extension_registry_package_format::atomic::{self, Purpose};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Source;
use crate::digest::Digest;

/// Listings on disk, one file for each source.
#[derive(Clone, Debug)]
pub struct ListingCache {
    folder: PathBuf,
    /// How long a listing stays valid.
    ttl: Duration,
    now: Timestamp,
    /// Whether to ignore stored listings.
    refresh: bool,
}

/// A stored listing. It is complete: a filtered one is never stored.
#[derive(Serialize, Deserialize)]
struct CachedListing<P> {
    /// Location of the source when it was listed: at another location it is another source.
    place: String,
    at: Timestamp,
    #[serde(rename = "part")]
    listing: P,
}

impl ListingCache {
    /// Creates a cache in a folder, which is created on the first write.
    #[must_use]
    pub fn new(folder: PathBuf, ttl: Duration, now: Timestamp, refresh: bool) -> Self {
        Self {
            folder,
            ttl,
            now,
            refresh,
        }
    }

    fn path(&self, source: &Source) -> PathBuf {
        let name = Digest::of(source.id().as_bytes()).to_string();
        self.folder.join(format!("{}.json", &name[..16]))
    }

    /// Returns the listing of a source if it is recent enough.
    pub(super) fn listing<P: DeserializeOwned>(&self, source: &Source) -> Option<P> {
        if self.refresh {
            return None;
        }
        let bytes = fs::read(self.path(source)).ok()?;
        let cached: CachedListing<P> = serde_json::from_slice(&bytes).ok()?;
        let age = Duration::try_from(self.now.duration_since(cached.at)).ok()?;
        (cached.place == source.repository.place() && age < self.ttl).then_some(cached.listing)
    }

    /// Stores a listing. Failures are ignored: the source is then queried again.
    pub(super) fn store(&self, source: &Source, listing: &impl Serialize) {
        let cached = CachedListing {
            place: source.repository.place(),
            at: self.now,
            listing,
        };
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let json = serde_json::to_vec(&cached)?;
            atomic::write_bytes(&self.path(source), Purpose::Cache, &json)
        };
        let _ = write();
    }

    /// Removes the listing of a source, for example after a package was published there.
    pub fn forget(&self, source: &Source) {
        let _ = fs::remove_file(self.path(source));
    }
}
