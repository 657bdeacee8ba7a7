//! The first page: problems, then counts.

use askama::Template;
use extension_registry_query::finding::{Finding, Level};
use extension_registry_query::resolve::Answer;
use serde::Serialize;

use super::layout::{Layout, Section};
use super::outcome::{Row, Shown, row};
use super::visit::Visit;
use crate::reply::Reply;

/// Maximum number of problems of one kind in the page; the document has all.
const SHOWN: usize = 25;

/// What is registered, and what is wrong.
#[derive(Serialize)]
struct Overview<'v> {
    records: usize,
    services: usize,
    workflows: usize,
    bindings: usize,
    /// Requirements that do not resolve.
    refused: Vec<&'v Answer>,
    /// Problems of objects.
    findings: Vec<&'v Finding>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'v> {
    layout: Layout,
    overview: &'v Overview<'v>,
    refused: Vec<Row>,
    findings: &'v [&'v Finding],
    more_refused: usize,
    more_findings: usize,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let inventory = visit.inventory();
    let answers = visit.answers();
    let records = inventory.index.records();
    let overview = Overview {
        records: inventory.records.len(),
        services: records.map(|record| record.services.len()).sum(),
        workflows: inventory.workflows.len(),
        bindings: inventory.bindings.len(),
        refused: answers
            .answers
            .iter()
            .filter(|one| !one.is_bound())
            .collect(),
        findings: inventory.findings.iter().collect(),
    };
    let shown = overview.findings.len().min(SHOWN);
    let page = Page {
        layout: visit.layout(Section::Overview, "Overview"),
        refused: overview
            .refused
            .iter()
            .take(SHOWN)
            .map(|answer| row(answer))
            .collect(),
        more_refused: overview.refused.len().saturating_sub(SHOWN),
        findings: &overview.findings[..shown],
        more_findings: overview.findings.len() - shown,
        overview: &overview,
    };
    visit.reply(&overview, &page)
}
