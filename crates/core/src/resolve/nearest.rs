//! Step 8: find the closest service if none matches.

use std::collections::HashMap;
use std::fmt::Write;

use crate::access::Consumer;
use crate::record::display_order;
use crate::refusal::{Reason, Refusal};
use crate::requirement::{Field, Requirement};
use crate::resolve::index::Index;
use crate::resolve::service_index::Candidate;
use crate::suggest;

/// Distance of a value that is not similar: above every sum of similar ones.
const FAR: usize = 1_000;

/// Creates the refusal, with the visible service that fails the fewest selectors. Ties are broken by
/// spelling without regard to case, then by name.
pub(super) fn not_found(index: &Index, requirement: &Requirement, consumer: &Consumer) -> Refusal {
    let message = format!(
        "no service matches requirement `{}` ({})",
        requirement.name,
        requirement.format_selectors()
    );
    let mut distances = Distances::default();
    let mut best: Option<(usize, usize, &Candidate)> = None;
    for candidate in index
        .candidates(&consumer.project)
        .filter(|candidate| candidate.record.access.admits(consumer))
    {
        let failed = failures(candidate, requirement);
        if best.is_some_and(|(fewest, _, _)| failed > fewest) {
            continue;
        }
        let distance = distances.of(candidate, requirement);
        let better = best.is_none_or(|(fewest, nearest, other)| {
            (failed, distance).cmp(&(fewest, nearest)).then_with(|| {
                display_order(
                    (&candidate.record, candidate.service()),
                    (&other.record, other.service()),
                )
            }) == std::cmp::Ordering::Less
        });
        if better {
            best = Some((failed, distance, candidate));
        }
    }
    match best {
        // No field matches and none is similar: a suggestion would mislead.
        Some((failed, distance, candidate))
            if distance >= failed * FAR && shares_nothing(candidate, requirement) =>
        {
            Refusal::new(
                Reason::NotFound,
                message,
                format!(
                    "run `kubectl ext list --project {}` to list the services visible to this project",
                    consumer.project
                ),
            )
        }
        Some((_, _, candidate)) => nearest(message, requirement, candidate),
        None => Refusal::new(
            Reason::NotFound,
            message,
            format!(
                "register an extension; none is visible to project `{}`",
                consumer.project
            ),
        ),
    }
}

/// Returns whether no selector matches. A matching version alone does not count.
fn shares_nothing(candidate: &Candidate, requirement: &Requirement) -> bool {
    Field::ALL
        .into_iter()
        .filter(|field| requirement.selector(*field).is_some())
        .all(|field| candidate.fails(requirement, field))
}

fn failures(candidate: &Candidate, requirement: &Requirement) -> usize {
    Field::ALL
        .into_iter()
        .filter(|field| candidate.fails(requirement, *field))
        .count()
        + usize::from(candidate.fails_version(requirement))
}

fn nearest(mut message: String, requirement: &Requirement, candidate: &Candidate) -> Refusal {
    let _ = write!(
        message,
        "; closest match is `{}/{}`: ",
        candidate.record.key.name,
        candidate.service().name
    );
    let mut separator = "";
    let mut fixes = Vec::new();
    for field in Field::ALL
        .into_iter()
        .filter(|field| candidate.fails(requirement, *field))
    {
        let requested = requirement
            .selector(field)
            .map_or("", |requested| requested);
        match candidate.value(field) {
            Some(value) => {
                let _ = write!(
                    message,
                    "{separator}{field} is `{value}` (requested `{requested}`)"
                );
                if suggest::closest(requested, [&**value]).is_some() {
                    fixes.push(format!("`{field}: {value}`"));
                }
            }
            None => {
                let _ = write!(
                    message,
                    "{separator}{field} is not set (requested `{requested}`)"
                );
            }
        }
        separator = "; ";
    }
    let mut misread = None;
    if candidate.fails_version(requirement) {
        let version = candidate.record.version.as_ref();
        let range = requirement.version.as_ref();
        misread = range
            .zip(version)
            .and_then(|(range, version)| range.misread(version));
        let reading = misread
            .as_ref()
            .map_or_else(String::new, |note| format!(", {}", note.message));
        let range = requirement
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = match &candidate.record.version {
            Some(version) => write!(
                message,
                "{separator}version is `{}`{reading} (requested `{range}`)",
                version.text()
            ),
            None => write!(
                message,
                "{separator}version is not set (requested `{range}`)"
            ),
        };
    }
    let hint = match misread {
        _ if !fixes.is_empty() => format!("did you mean {}?", fixes.join(" and ")),
        // Nothing else is wrong.
        Some(note) if separator.is_empty() => note.hints.join("; or "),
        _ => "change the requirement, or register a matching extension".to_owned(),
    };
    Refusal::new(Reason::NotFound, message, hint)
}

/// Distances between required and actual values. Each pair is measured once, because many
/// records share few values.
#[derive(Default)]
struct Distances<'a> {
    known: HashMap<(Field, &'a str), usize>,
}

impl<'a> Distances<'a> {
    fn of(&mut self, candidate: &'a Candidate, requirement: &Requirement) -> usize {
        let exact: usize = Field::ALL
            .into_iter()
            .filter(|field| candidate.fails(requirement, *field))
            .map(
                |field| match (candidate.value(field), requirement.selector(field)) {
                    (Some(value), Some(requested)) => *self
                        .known
                        .entry((field, value))
                        .or_insert_with(|| match suggest::closest(requested, [&**value]) {
                            Some(_) => suggest::distance(requested, value),
                            None => FAR,
                        }),
                    _ => FAR,
                },
            )
            .sum();
        let version = match &candidate.record.version {
            _ if !candidate.fails_version(requirement) => 0,
            // Of two services with one mismatch, prefer the one with the right name.
            Some(_) => FAR - 1,
            None => FAR,
        };
        exact + version
    }
}
