//! Steps 1 to 5: filter by visibility, match selectors, shadow, filter by access, select one.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use crate::access::Consumer;
use crate::record::{Record, RecordKind, display_order};
use crate::refusal::{Reason, Refusal};
use crate::requirement::{Field, Requirement};
use crate::resolve::index::Index;
use crate::resolve::nearest;
use crate::resolve::service_index::{Candidate, ServiceIndex};

/// Maximum number of candidates in a message.
const MAX_LISTED: usize = 100;

/// Returns the one record and service that meet the requirement.
pub(super) fn choose(
    index: &Index,
    requirement: &Requirement,
    consumer: &Consumer,
) -> Result<(Arc<Record>, usize), Refusal> {
    let mut candidates: Vec<&Candidate> = index
        .scopes(&consumer.project)
        .flat_map(|services: &ServiceIndex| services.matching(requirement))
        .filter(|candidate| candidate.record.access.admits(consumer))
        .collect();
    if candidates.is_empty() {
        return Err(nearest::not_found(index, requirement, consumer));
    }
    shadow(&mut candidates);
    let matched = candidates.clone();
    candidates.retain(|candidate| has_usable_credentials(candidate, consumer));
    match candidates.as_slice() {
        [] => Err(no_access(requirement, consumer, &matched)),
        [one] => Ok((Arc::clone(&one.record), one.position)),
        several => {
            let mut defaults = several.iter().filter(|candidate| candidate.record.default);
            match (defaults.next(), defaults.next()) {
                (Some(one), None) => Ok((Arc::clone(&one.record), one.position)),
                _ => Err(ambiguous(requirement, several)),
            }
        }
    }
}

/// Removes cluster records if a project record matches. This precedes the access check: a project
/// record that the user cannot access must not fall back to the cluster record that it shadows.
fn shadow(candidates: &mut Vec<&Candidate>) {
    let own = |candidate: &&Candidate| candidate.record.key.kind() == RecordKind::Extension;
    if candidates.iter().any(own) {
        candidates.retain(|candidate| own(candidate) || !candidate.record.shadowable);
    }
}

pub(super) fn has_usable_credentials(candidate: &Candidate, consumer: &Consumer) -> bool {
    let credentials = &candidate.service().credentials;
    credentials.is_empty() || credentials.iter().any(|entry| entry.admits(consumer))
}

fn no_access(requirement: &Requirement, consumer: &Consumer, matched: &[&Candidate]) -> Refusal {
    let mut names: Vec<_> = matched
        .iter()
        .map(|candidate| {
            format!(
                "`{}/{}`",
                candidate.record.key.name,
                candidate.service().name
            )
        })
        .collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(MAX_LISTED);
    names.truncate(MAX_LISTED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let consumer = match &consumer.user {
        Some(user) => format!("user `{user}` in project `{}`", consumer.project),
        None => format!("project `{}`", consumer.project),
    };
    let its = if names.len() == 1 { "its" } else { "their" };
    Refusal::new(
        Reason::NoAccess,
        format!(
            "requirement `{}` ({}) matches {}, but {consumer} has no access to {its} credentials",
            requirement.name,
            requirement.format_selectors(),
            names.join(", "),
        ),
        "ask your platform administrator for access to a set of credentials",
    )
}

fn ambiguous(requirement: &Requirement, several: &[&Candidate]) -> Refusal {
    let mut candidates = several.to_vec();
    candidates.sort_by(|left, right| {
        display_order(
            (&left.record, left.service()),
            (&right.record, right.service()),
        )
    });
    let differing: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|field| {
            candidates
                .iter()
                .any(|candidate| candidate.value(*field) != candidates[0].value(*field))
        })
        .collect();
    let versions_differ = candidates
        .iter()
        .any(|candidate| candidate.record.version_text() != candidates[0].record.version_text());

    let mut message = format!(
        "requirement `{}` ({}) matches {} services: ",
        requirement.name,
        requirement.format_selectors(),
        candidates.len()
    );
    let groups = candidates.chunk_by(|left, right| left.record.key.name == right.record.key.name);
    let listed = groups
        .flat_map(|group| group.iter().map(move |candidate| (*candidate, group)))
        .take(MAX_LISTED);
    for (position, (candidate, group)) in listed.enumerate() {
        let separator = if position == 0 { "" } else { "; " };
        let _ = write!(
            message,
            "{separator}`{}/{}`",
            candidate.record.key.name,
            candidate.service().name
        );
        describe(&mut message, candidate, &differing, versions_differ);
        let _ = match distinguishing_selectors(requirement, candidate, group) {
            Some(lines) => write!(message, ": add {lines}"),
            None => write!(message, ": no selector distinguishes it"),
        };
    }
    if candidates.len() > MAX_LISTED {
        let _ = write!(message, "; and {} more", candidates.len() - MAX_LISTED);
    }
    Refusal::new(Reason::Ambiguous, message, hint(&candidates))
}

/// A default decides between records, never between the services of one record.
fn hint(candidates: &[&Candidate]) -> &'static str {
    let records = candidates.iter().map(|candidate| &candidate.record);
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
        "add one of these lines to the requirement, or keep `default: true` on only one of the records"
    }
}

fn describe(
    message: &mut String,
    candidate: &Candidate,
    differing: &[Field],
    versions_differ: bool,
) {
    let named = |field: &&Field| !matches!(field, Field::Extension | Field::Service);
    let mut separator = " (";
    if candidate.record.key.kind() == RecordKind::Extension {
        let _ = write!(message, "{separator}Extension in this project");
        separator = ", ";
    }
    for field in differing.iter().filter(named) {
        let _ = match candidate.value(*field) {
            Some(value) => write!(message, "{separator}{field} {value}"),
            None => write!(message, "{separator}no {field}"),
        };
        separator = ", ";
    }
    if versions_differ {
        let _ = match candidate.record.version_text() {
            Some(version) => write!(message, "{separator}version {version}"),
            None => write!(message, "{separator}no version"),
        };
        separator = ", ";
    }
    if separator == ", " {
        message.push(')');
    }
}

/// Returns the selectors that leave only this candidate, if any exist: the name of the record first,
/// then what distinguishes it from the other candidates of a record with that name.
fn distinguishing_selectors(
    requirement: &Requirement,
    candidate: &Candidate,
    group: &[&Candidate],
) -> Option<String> {
    let mut lines = String::new();
    if requirement.extension.is_none() {
        let _ = write!(lines, "`extension: {}`", candidate.record.key.name);
    }
    let mut rest: Vec<&Candidate> = group.to_vec();
    rest.retain(|other| !std::ptr::eq(*other, candidate));
    let others = Field::ALL
        .into_iter()
        .filter(|field| !matches!(field, Field::Extension | Field::Service));
    for field in [Field::Service].into_iter().chain(others) {
        let Some(value) = candidate.value(field).filter(|value| !value.is_empty()) else {
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
