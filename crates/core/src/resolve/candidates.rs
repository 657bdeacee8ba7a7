//! Steps 1 to 5: visible, match, shadow, usable, one.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use crate::access::Consumer;
use crate::record::{Record, RecordKind, display_order};
use crate::refusal::{Reason, Refusal};
use crate::requirement::{Field, Requirement};
use crate::resolve::index::Index;
use crate::resolve::nearest;
use crate::resolve::shelf::{Offer, Shelf};

/// The most candidates that a message lists.
const MOST_LISTED: usize = 100;

/// The one record and service that meet the requirement.
pub(super) fn choose(
    index: &Index,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<(Arc<Record>, usize), Refusal> {
    let mut candidates: Vec<&Offer> = index
        .shelves(&consumer.project)
        .flat_map(|shelf: &Shelf| shelf.matching(requirement))
        .filter(|offer| offer.record.access.admits(consumer))
        .collect();
    if candidates.is_empty() {
        return Err(nearest::not_found(index, requirement, consumer));
    }
    shadow(&mut candidates);
    let matched = candidates.clone();
    candidates.retain(|offer| has_usable_credentials(offer, consumer));
    match candidates.as_slice() {
        [] => Err(no_access(requirement, consumer, &matched)),
        [one] => Ok((Arc::clone(&one.record), one.position)),
        several => {
            let mut defaults = several.iter().filter(|offer| offer.record.default);
            match (defaults.next(), defaults.next()) {
                (Some(one), None) => Ok((Arc::clone(&one.record), one.position)),
                _ => Err(ambiguous(requirement, several)),
            }
        }
    }
}

/// A match of the project itself hides the cluster's, before credentials are looked at: an own
/// record that is closed to this user must not fall through to the cluster's store behind it.
fn shadow(candidates: &mut Vec<&Offer>) {
    let own = |offer: &&Offer| offer.record.key.kind() == RecordKind::Extension;
    if candidates.iter().any(own) {
        candidates.retain(|offer| own(offer) || !offer.record.shadowable);
    }
}

pub(super) fn has_usable_credentials(offer: &Offer, consumer: &Consumer) -> bool {
    let credentials = &offer.service().credentials;
    credentials.is_empty() || credentials.iter().any(|entry| entry.admits(consumer))
}

/// What the requirement asked for, for a message: `resource s3, version ^1.2`.
pub(super) fn asked(requirement: &Requirement) -> String {
    let mut text = String::new();
    for field in Field::ALL {
        if let Some(value) = requirement.selector(field) {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{separator}{field} `{value}`");
        }
    }
    if let Some(range) = &requirement.version {
        let _ = write!(text, ", version `{range}`");
    }
    text
}

fn no_access(requirement: &Requirement, consumer: &Consumer, matched: &[&Offer]) -> Refusal {
    let mut names: Vec<_> = matched
        .iter()
        .map(|offer| format!("`{}/{}`", offer.record.key.name, offer.service().name))
        .collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(MOST_LISTED);
    names.truncate(MOST_LISTED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let who = match &consumer.user {
        Some(user) => format!("user `{user}` in project `{}`", consumer.project),
        None => format!("project `{}`", consumer.project),
    };
    Refusal::new(
        Reason::NoAccess,
        format!(
            "requirement `{}` ({}) matches {}, but no credentials there admit {who}",
            requirement.name,
            asked(requirement),
            names.join(", "),
        ),
        "ask the operator of the platform to admit it to a set of credentials",
    )
}

fn ambiguous(requirement: &Requirement, several: &[&Offer]) -> Refusal {
    let mut offers = several.to_vec();
    offers.sort_by(|left, right| {
        display_order(
            (&left.record, left.service()),
            (&right.record, right.service()),
        )
    });
    let differing: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|field| {
            offers
                .iter()
                .any(|offer| offer.value(*field) != offers[0].value(*field))
        })
        .collect();
    let versions_differ = offers
        .iter()
        .any(|offer| offer.record.version_text() != offers[0].record.version_text());

    let mut message = format!(
        "requirement `{}` ({}) matches {} services: ",
        requirement.name,
        asked(requirement),
        offers.len()
    );
    let groups = offers.chunk_by(|left, right| left.record.key.name == right.record.key.name);
    let listed = groups
        .flat_map(|group| group.iter().map(move |offer| (*offer, group)))
        .take(MOST_LISTED);
    for (position, (offer, group)) in listed.enumerate() {
        let separator = if position == 0 { "" } else { "; " };
        let _ = write!(
            message,
            "{separator}`{}/{}`",
            offer.record.key.name,
            offer.service().name
        );
        describe(&mut message, offer, &differing, versions_differ);
        let _ = match lines_to_add(requirement, offer, group) {
            Some(lines) => write!(message, ": add {lines}"),
            None => write!(message, ": no selector tells it apart"),
        };
    }
    if offers.len() > MOST_LISTED {
        let _ = write!(message, "; and {} more", offers.len() - MOST_LISTED);
    }
    Refusal::new(Reason::Ambiguous, message, way_out(&offers))
}

/// A default settles it among records, never among the services of one.
fn way_out(offers: &[&Offer]) -> &'static str {
    let records = offers.iter().map(|offer| &offer.record);
    let defaults: BTreeSet<_> = records
        .clone()
        .filter(|record| record.default)
        .map(|record| &record.key)
        .collect();
    let records: BTreeSet<_> = records.map(|record| &record.key).collect();
    if records.len() == 1 || defaults.len() == 1 {
        "add one of these lines to the requirement"
    } else if defaults.is_empty() {
        "add one of these lines to the requirement, or set `default: true` on one of the records"
    } else {
        "add one of these lines to the requirement; more than one of the records says `default: true`, leave it on one"
    }
}

fn describe(message: &mut String, offer: &Offer, differing: &[Field], versions_differ: bool) {
    let named = |field: &&Field| !matches!(field, Field::Extension | Field::Service);
    let mut separator = " (";
    if offer.record.key.kind() == RecordKind::Extension {
        let _ = write!(message, "{separator}the project's own");
        separator = ", ";
    }
    for field in differing.iter().filter(named) {
        let _ = match offer.value(*field) {
            Some(value) => write!(message, "{separator}{field} {value}"),
            None => write!(message, "{separator}no {field}"),
        };
        separator = ", ";
    }
    if versions_differ {
        let _ = match offer.record.version_text() {
            Some(version) => write!(message, "{separator}version {version}"),
            None => write!(message, "{separator}no version"),
        };
        separator = ", ";
    }
    if separator == ", " {
        message.push(')');
    }
}

/// The selectors that leave only this candidate, if there are any: the name of the record first,
/// then what tells it apart from the other candidates of a record of that name.
fn lines_to_add(requirement: &Requirement, offer: &Offer, group: &[&Offer]) -> Option<String> {
    const THEN: [Field; 5] = [
        Field::Service,
        Field::Product,
        Field::Resource,
        Field::Category,
        Field::Zone,
    ];
    let mut lines = String::new();
    if requirement.extension.is_none() {
        let _ = write!(lines, "`extension: {}`", offer.record.key.name);
    }
    let mut rest: Vec<&Offer> = group.to_vec();
    rest.retain(|other| !std::ptr::eq(*other, offer));
    for field in THEN {
        let Some(value) = offer.value(field).filter(|value| !value.is_empty()) else {
            continue;
        };
        let before = rest.len();
        rest.retain(|other| other.value(field) == Some(value));
        if rest.len() < before {
            let separator = if lines.is_empty() { "" } else { " and " };
            let _ = write!(lines, "{separator}`{field}: {value}`");
        }
    }
    rest.is_empty().then_some(lines)
}
