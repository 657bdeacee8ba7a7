//! Checks that everything that the record refers to exists. Uses no client.

use std::collections::BTreeSet;

use extension_registry_core::projection::{MissingSource, SourceKeys};
use extension_registry_core::record::{Credentials, Source};
use extension_registry_render::projection::missing_sources;

use crate::record::dereference::Dereferenced;

/// Why a record is not ready.
pub(super) struct NotReady {
    pub(super) reason: &'static str,
    pub(super) stalled: bool,
    pub(super) message: String,
}

pub(super) fn run(dereferenced: &Dereferenced) -> Result<(), NotReady> {
    let problems = &dereferenced.entry.problems;
    if let Some(first) = problems.first() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(NotReady {
            reason: first.refusal.reason.as_str(),
            stalled: problems
                .iter()
                .any(|problem| problem.refusal.reason.is_stalled()),
            message: lines.join("\n"),
        });
    }
    let mut missing: BTreeSet<_> = dereferenced.unreadable.iter().cloned().collect();
    let services = dereferenced
        .record
        .iter()
        .flat_map(|record| &record.services);
    for credentials in services.flat_map(|service| &service.credentials) {
        collect(credentials, &dereferenced.keys, &mut missing);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<MissingSource> = missing.into_iter().collect();
    let refusal = missing_sources(&missing, &dereferenced.keys);
    Err(NotReady {
        reason: refusal.reason.as_str(),
        stalled: false,
        message: refusal.to_string(),
    })
}

fn collect(
    credentials: &Credentials,
    keys: &dyn SourceKeys,
    missing: &mut BTreeSet<MissingSource>,
) {
    if let Some(secret) = credentials.whole_secret()
        && keys.keys(&secret).is_none()
    {
        missing.insert(MissingSource::Secret { secret });
    }
    for entry in &credentials.entries {
        let Source::SecretKey { secret, key } = &entry.source else {
            continue;
        };
        match keys.keys(secret) {
            None => missing.insert(MissingSource::Secret {
                secret: secret.clone(),
            }),
            Some(known) if !known.contains(key) => missing.insert(MissingSource::Key {
                secret: secret.clone(),
                key: key.clone(),
            }),
            Some(_) => continue,
        };
    }
}
