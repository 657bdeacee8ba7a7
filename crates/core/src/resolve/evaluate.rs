//! Evaluation of every visible service, to explain the result of [`super::resolve`].

use std::sync::Arc;

use crate::access::Consumer;
use crate::record::{Record, RecordKind, Service, display_order};
use crate::requirement::{Field, Requirement};
use crate::resolve::candidates;
use crate::resolve::index::Index;
use crate::resolve::service_index::Candidate;

/// A service that is visible to the consumer, and the result of its evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The record.
    pub record: Arc<Record>,
    /// Position of the service.
    service: usize,
    /// Result of the evaluation.
    pub verdict: Verdict,
}

impl Evaluation {
    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.record.services[self.service]
    }
}

/// Result of the evaluation of a service: the first step that it did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is selected.
    Chosen,
    /// It matches, and so do others.
    OneOfSeveral,
    /// It matches, but another record has `default: true`.
    NotDefault,
    /// The consumer has no access to its credentials.
    NoCredentials,
    /// A project record shadows it.
    Shadowed,
    /// It does not match a selector.
    Mismatch(Vec<Mismatch>),
}

/// A selector that does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the selector.
    pub selector: &'static str,
    /// Required value.
    pub expected: String,
    /// Actual value.
    pub actual: Option<String>,
}

/// Evaluates every service visible to the consumer; best matches first, then by name.
#[must_use]
pub fn evaluate(index: &Index, requirement: &Requirement, consumer: &Consumer) -> Vec<Evaluation> {
    let visible: Vec<&Candidate> = index
        .candidates(&consumer.project)
        .filter(|candidate| candidate.record.access.admits(consumer))
        .collect();
    let matches = |candidate: &&&Candidate| candidate.matches(requirement);
    let is_own = |candidate: &Candidate| candidate.record.key.kind() == RecordKind::Extension;
    let has_own = visible
        .iter()
        .filter(matches)
        .any(|candidate| is_own(candidate));
    let chosen = candidates::choose(index, requirement, consumer).ok();
    let verdict = |candidate: &Candidate| {
        let misses = misses(candidate, requirement);
        if !misses.is_empty() {
            return Verdict::Mismatch(misses);
        }
        if has_own && !is_own(candidate) && candidate.record.shadowable {
            return Verdict::Shadowed;
        }
        if !candidates::has_usable_credentials(candidate, consumer) {
            return Verdict::NoCredentials;
        }
        match &chosen {
            Some((record, service))
                if record.key == candidate.record.key && *service == candidate.position =>
            {
                Verdict::Chosen
            }
            Some(_) => Verdict::NotDefault,
            None => Verdict::OneOfSeveral,
        }
    };
    let mut evaluations: Vec<Evaluation> = visible
        .iter()
        .map(|candidate| Evaluation {
            record: Arc::clone(&candidate.record),
            service: candidate.position,
            verdict: verdict(candidate),
        })
        .collect();
    evaluations.sort_by(|left, right| {
        rank(&left.verdict)
            .cmp(&rank(&right.verdict))
            .then_with(|| {
                display_order(
                    (&left.record, left.service()),
                    (&right.record, right.service()),
                )
            })
    });
    evaluations
}

/// Fewer mismatches come first.
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

fn misses(candidate: &Candidate, requirement: &Requirement) -> Vec<Mismatch> {
    let mut misses: Vec<Mismatch> = Field::ALL
        .into_iter()
        .filter(|field| candidate.fails(requirement, *field))
        .map(|field| Mismatch {
            selector: field.as_str(),
            expected: requirement
                .selector(field)
                .map(ToString::to_string)
                .unwrap_or_default(),
            actual: candidate.value(field).map(ToString::to_string),
        })
        .collect();
    if candidate.fails_version(requirement) {
        misses.push(Mismatch {
            selector: "version",
            expected: requirement
                .version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            actual: candidate.record.version_text().map(str::to_owned),
        });
    }
    misses
}
