//! The pages. Each file asks one question of `query`, and prepares the answer for a template.

pub(crate) mod attempt;
mod commands;
pub(crate) mod consumer;
pub(crate) mod consumers;
mod facet;
mod frame;
mod layout;
pub(crate) mod locations;
mod outcome;
pub(crate) mod overview;
pub(crate) mod package;
pub(crate) mod package_version;
mod package_visit;
pub(crate) mod packages;
mod paging;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod repositories;
pub(crate) mod sign_in;
mod verdict;
mod visit;
pub(crate) mod zones;

use askama::Template;
use axum::response::Response;
use extension_registry_core::diagnostic::Explain;
use http::Uri;

use crate::reply::{self, Problem, Reply};
use crate::source::Source;
pub(crate) use frame::Frame;
use layout::Layout;
pub(crate) use package_visit::PackageVisit;
pub(crate) use visit::Visit;

/// An error.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    layout: Layout,
    message: String,
    hints: Vec<String>,
}

/// Returns the page of an error, or its document.
pub(crate) fn problem(source: &Source, uri: &Uri, problem: &Problem) -> Response {
    if frame::is_json(uri) {
        return reply::json_problem(problem);
    }
    let title = problem.status.canonical_reason().unwrap_or("Error");
    let page = ProblemPage {
        layout: Layout::bare(title, source.describe()),
        message: reply::message(&problem.failure),
        hints: problem.failure.hints(),
    };
    reply::html(problem.status, &page)
}

/// A page that does not exist.
pub(crate) fn missing(_: &Visit) -> Reply {
    Err(Problem::not_found("page"))
}
