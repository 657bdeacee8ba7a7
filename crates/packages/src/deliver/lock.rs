//! The lock file of delivered packages.

use super::Delivery;
use crate::lock::{Lock, Locked};
use crate::solve::{Chosen, Solution};

/// Returns the lock file of a solution whose packages were delivered, in the same order.
#[must_use]
pub fn lock(solution: &Solution, deliveries: &[Delivery]) -> Lock {
    let packages = solution.chosen.iter().zip(deliveries);
    Lock {
        packages: packages
            .map(|(chosen, delivery)| locked(chosen, delivery))
            .collect(),
    }
}

fn locked(chosen: &Chosen, delivery: &Delivery) -> Locked {
    let entry = &delivery.entry;
    Locked {
        name: entry.name.clone(),
        kind: entry.kind.name().to_owned(),
        version: entry.version.clone(),
        repository: entry.repository.clone(),
        locator: entry.locator.clone(),
        content: entry.content.digest,
        configuration: entry.own_configuration(),
        document: entry.document_digest(),
        manifest: entry.manifest.as_ref().map(|manifest| manifest.digest),
        signed_by: delivery.verdict.by().to_vec(),
        requested_by: chosen.requested_by.clone(),
    }
}
