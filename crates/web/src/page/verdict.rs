//! The verdict for each candidate of a requirement, for templates.

use extension_registry_query::explain::Explanation;

use crate::diagram::Diagram;
use crate::diagram::candidates::draw;

use super::outcome::{Link, Shown, record_link, shown};

/// Maximum number of candidates in a page; the document has all.
const SHOWN: usize = 200;

/// A requirement and its candidates.
pub(crate) struct Verdicts {
    /// Step and requirement of a workflow; empty for others.
    pub(crate) requirement: String,
    pub(crate) result: Shown,
    /// A service that matches better than the one that a binding keeps.
    pub(crate) superseded: String,
    pub(crate) candidates: Vec<Verdict>,
    /// Number of candidates that are not listed.
    pub(crate) omitted: usize,
    /// Address of the page with all candidates.
    pub(crate) all: String,
    pub(crate) diagram: Option<Diagram>,
}

/// Verdict for a candidate.
pub(crate) struct Verdict {
    pub(crate) kind: &'static str,
    pub(crate) record: Link,
    pub(crate) service: String,
    pub(crate) why: String,
    /// Whether the requirement resolves to it.
    pub(crate) is_chosen: bool,
    /// Whether all selectors match.
    pub(crate) matches: bool,
}

/// Prepares an explanation. `id` identifies its diagram in the page.
pub(crate) fn verdicts(explanation: &Explanation, id: String, all: String) -> Verdicts {
    let namespace = &explanation.answer.namespace;
    let count = explanation.candidates.len().min(SHOWN);
    let candidates = explanation
        .candidates
        .iter()
        .take(count)
        .map(|candidate| Verdict {
            kind: candidate.kind,
            record: record_link(candidate.kind, namespace, &candidate.record),
            service: candidate.service.clone(),
            why: candidate.why.clone(),
            is_chosen: candidate.verdict == "Chosen",
            matches: candidate.failed.is_empty(),
        });
    Verdicts {
        requirement: super::outcome::requirement(&explanation.answer.consumer),
        result: shown(namespace, &explanation.answer.outcome),
        superseded: explanation.superseded.clone().unwrap_or_default(),
        candidates: candidates.collect(),
        omitted: explanation.omitted + explanation.candidates.len() - count,
        all,
        diagram: draw(explanation, id),
    }
}
