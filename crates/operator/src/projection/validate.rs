//! Checks whether a projection is still admitted and used. Uses no client.

use std::time::Duration;

use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use k8s_openapi::jiff::Timestamp;

use crate::store::ProjectionEntry;
use crate::usage::Usage;

/// What to do with a projection.
pub(super) enum Verdict {
    /// Delete it immediately, because access was revoked.
    Revoked,
    /// Delete it, because it was unused during the grace period.
    Expired,
    /// Keep it and render it again.
    Keep {
        /// The current choice of its identity.
        choice: Choice,
        /// Set if no workflow uses it.
        unused: Option<Unused>,
    },
}

/// An unused projection. It is kept for a grace period, because later tasks of a started run may
/// still mount the Secret.
pub(super) struct Unused {
    /// Remaining grace period.
    pub(super) left: Duration,
}

pub(super) fn run(
    usage: &Usage<'_>,
    key: &ObjectKey,
    entry: &ProjectionEntry,
    now: Timestamp,
    unused_grace: Duration,
) -> Verdict {
    let Some(choice) = usage.choice(key, &entry.identity) else {
        return Verdict::Revoked;
    };
    // The operator derives the name from the identity, so it did not create a projection with another name.
    if entry.identity.name() != *key.name {
        return Verdict::Revoked;
    }
    if usage.consumers(key, &entry.identity) > 0 {
        return Verdict::Keep {
            choice,
            unused: None,
        };
    }
    let since = entry
        .status
        .unused_since
        .as_ref()
        .map_or(now, |since| since.0);
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    match unused_grace.checked_sub(waited) {
        Some(left) if !left.is_zero() => Verdict::Keep {
            choice,
            unused: Some(Unused { left }),
        },
        _ => Verdict::Expired,
    }
}
