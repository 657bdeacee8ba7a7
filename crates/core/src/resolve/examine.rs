//! How each service fared that the consumer can see: what [`super::resolve`] decides, shown.

use std::sync::Arc;

use crate::access::Consumer;
use crate::record::{Record, RecordKind, Service, display_order};
use crate::requirement::{Field, Requirement};
use crate::resolve::candidates;
use crate::resolve::index::Index;
use crate::resolve::shelf::Offer;

/// A service that the consumer can see.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The record.
    pub record: Arc<Record>,
    /// Position of the service.
    service: usize,
    /// How it fared.
    pub verdict: Verdict,
}

impl Examined {
    /// The service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.record.services[self.service]
    }
}

/// How a service fared: the first test that it did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one.
    Chosen,
    /// It passed every test, and so did others.
    OneOfSeveral,
    /// It passed every test, but another says `default: true`.
    NotDefault,
    /// No credentials admit the consumer.
    NoCredentials,
    /// The project has a match of its own.
    Shadowed,
    /// It is not what was asked for.
    Mismatch(Vec<Miss>),
}

/// A selector that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Name of the selector.
    pub selector: &'static str,
    /// What was asked for.
    pub wanted: String,
    /// What there is.
    pub found: Option<String>,
}

/// Every service that the consumer can see, the best first, then by name.
#[must_use]
pub fn examine(index: &Index, requirement: &Requirement, consumer: &Consumer) -> Vec<Examined> {
    let visible: Vec<&Offer> = index
        .offers(&consumer.project)
        .filter(|offer| offer.record.access.admits(consumer))
        .collect();
    let matches = |offer: &&&Offer| offer.matches(requirement);
    let is_own = |offer: &Offer| offer.record.key.kind() == RecordKind::Extension;
    let has_own = visible.iter().filter(matches).any(|offer| is_own(offer));
    let chosen = candidates::choose(index, requirement, consumer).ok();
    let verdict = |offer: &Offer| {
        let misses = misses(offer, requirement);
        if !misses.is_empty() {
            return Verdict::Mismatch(misses);
        }
        if has_own && !is_own(offer) && offer.record.shadowable {
            return Verdict::Shadowed;
        }
        if !candidates::has_usable_credentials(offer, consumer) {
            return Verdict::NoCredentials;
        }
        match &chosen {
            Some((record, service))
                if record.key == offer.record.key && *service == offer.position =>
            {
                Verdict::Chosen
            }
            Some(_) => Verdict::NotDefault,
            None => Verdict::OneOfSeveral,
        }
    };
    let mut examined: Vec<Examined> = visible
        .iter()
        .map(|offer| Examined {
            record: Arc::clone(&offer.record),
            service: offer.position,
            verdict: verdict(offer),
        })
        .collect();
    examined.sort_by(|left, right| {
        rank(&left.verdict)
            .cmp(&rank(&right.verdict))
            .then_with(|| {
                display_order(
                    (&left.record, left.service()),
                    (&right.record, right.service()),
                )
            })
    });
    examined
}

/// Fewer failures come first.
fn rank(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Chosen => 0,
        Verdict::OneOfSeveral => 1,
        Verdict::NotDefault => 2,
        Verdict::NoCredentials => 3,
        Verdict::Shadowed => 4,
        Verdict::Mismatch(misses) => 4 + misses.len(),
    }
}

fn misses(offer: &Offer, requirement: &Requirement) -> Vec<Miss> {
    let mut misses: Vec<Miss> = Field::ALL
        .into_iter()
        .filter(|field| offer.fails(requirement, *field))
        .map(|field| Miss {
            selector: field.as_str(),
            wanted: requirement
                .selector(field)
                .map(ToString::to_string)
                .unwrap_or_default(),
            found: offer.value(field).map(ToString::to_string),
        })
        .collect();
    if offer.fails_version(requirement) {
        misses.push(Miss {
            selector: "version",
            wanted: requirement
                .version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            found: offer.record.version_text().map(str::to_owned),
        });
    }
    misses
}
