//! What is known about the versions of one package.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use extension_registry_packages::Digest;
use extension_registry_packages::catalog::{ResolvedVersion, Source};
use extension_registry_packages::image::Image;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use semver::Version;

use super::fault::Fault;
use super::held::Held;
use super::served::Served;

/// Maximum number of concurrent requests to one source.
const AT_ONCE: usize = 8;

/// A result that requests wait for and share.
pub(super) type Shared<T> = tokio::sync::Mutex<Option<Held<Arc<T>>>>;

/// A package.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// Its versions; never empty.
    pub(super) versions: Shared<Vec<Version>>,
    slots: Mutex<BTreeMap<Version, Arc<Slot>>>,
    /// Previews of all versions, without and with referrers.
    previews: [Shared<Vec<Preview>>; 2],
}

/// A version, once it is requested.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Held during a delivery, so that each version is delivered once.
    pub(super) gate: tokio::sync::Mutex<()>,
    held: Mutex<Option<Held<Arc<Served>>>>,
}

/// Which digests a version has, according to its source. None if that is known only after a delivery.
#[derive(Clone, Debug)]
pub(super) struct Preview {
    pub(super) version: Version,
    pub(super) outcome: Result<Option<Image>, Fault>,
}

impl Slot {
    pub(super) fn fresh(&self, refresh: Duration) -> Option<Result<Arc<Served>, Fault>> {
        self.held.lock().as_ref()?.fresh(refresh)
    }

    pub(super) fn set(&self, held: Held<Arc<Served>>) {
        *self.held.lock() = Some(held);
    }

    fn has(&self, digest: Digest) -> bool {
        let held = self.held.lock();
        let served = held.as_ref().and_then(Held::last);
        served.is_some_and(|served| served.image.has(digest))
    }
}

impl Package {
    /// Returns the place of a version.
    pub(super) fn slot(&self, version: &Version) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        slots.entry(version.clone()).or_default().clone()
    }

    /// Removes a version.
    pub(super) fn forget(&self, version: &Version) {
        let _ = self.slots.lock().remove(version);
    }

    /// Returns the delivered versions that have a digest, the newest first.
    pub(super) fn versions_with(&self, digest: Digest) -> Vec<Version> {
        let slots = self.slots.lock();
        let found = slots.iter().rev().filter(|(_, slot)| slot.has(digest));
        found.map(|(version, _)| version.clone()).collect()
    }

    /// Returns the previews of these versions, the newest first.
    pub(super) async fn previews(
        &self,
        source: &Source,
        (name, versions, with_referrers): (&str, &[Version], bool),
        refresh: Duration,
    ) -> Arc<Vec<Preview>> {
        let mut held = self.previews[usize::from(with_referrers)].lock().await;
        if let Some(Ok(fresh)) = held.as_ref().and_then(|held| held.fresh(refresh)) {
            return fresh;
        }
        let mut versions = versions.to_vec();
        versions.sort_by(|left, right| right.cmp(left));
        let previews = stream::iter(versions).map(|version| async move {
            let outcome = preview(source, (name, &version), with_referrers).await;
            Preview { version, outcome }
        });
        let previews = Arc::new(previews.buffered(AT_ONCE).collect::<Vec<_>>().await);
        *held = Some(Held::new(Ok(previews.clone())));
        previews
    }
}

async fn preview(
    source: &Source,
    (name, version): (&str, &Version),
    with_referrers: bool,
) -> Result<Option<Image>, Fault> {
    let spec = source.spec(name, version).await;
    let resolved = ResolvedVersion {
        source,
        spec: spec.map_err(|error| Fault::of_source(&error))?,
        warnings: Vec::new(),
    };
    let preview = Image::preview(&resolved, with_referrers).await;
    preview.map_err(|error| Fault::of_image(&error))
}
