//! The versions of a package.

use askama::Template;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::answer::type_for_people;
use extension_registry_packages::answer::versions::{Row, find, list};
use serde::Deserialize;

use super::frame::Frame;
use super::layout::{Layout, Section};
use super::package_visit::{PackageVisit, not_found};
use super::paging::Paging;
use crate::link;
use crate::reply::{Problem, Reply};

/// Parts of the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    page: Option<usize>,
}

#[derive(Template)]
#[template(path = "package.html")]
struct Page {
    layout: Layout,
    kind: String,
    rows: Vec<(String, Row)>,
    paging: Paging,
}

pub(crate) async fn page(visit: PackageVisit) -> Reply {
    let path = visit.frame.path();
    let [_, kind, name] = path.as_slice() else {
        return Err(Problem::not_found("page"));
    };
    let query: Query = visit.frame.query()?;
    let workspace = visit.workspace()?;
    let found = find(&workspace.catalog, name).await;
    if found.listing.versions.is_empty() && found.listing.failures.is_empty() {
        return Err(not_found(&workspace.catalog.no_package(found.listing)));
    }
    let mut listed = list(workspace, &found);
    if visit.frame.is_json() {
        return Frame::document(&listed);
    }
    // The type of a version that cannot be read is unknown.
    listed
        .versions
        .retain(|row| row.kind.as_ref().is_none_or(|own| own == kind));
    if listed.versions.is_empty() && !found.listing.versions.is_empty() {
        return Err(Problem::not_found(&format!("{kind} {name}")));
    }
    let mut notes: Vec<Note> = found.listing.failures.iter().map(Note::of).collect();
    notes.extend(found.warnings);
    notes.extend(workspace.catalog.warnings());
    let own = link::path(&["packages", kind, name]);
    let paging = Paging::new(listed.versions.len(), query.page, &own, &[]);
    let rows = paging.rows(listed.versions).into_iter();
    let page = Page {
        layout: visit.frame.layout(Section::Packages, name, &notes),
        kind: type_for_people(kind),
        rows: rows
            .map(|row| (link::path(&["packages", kind, name, &row.version]), row))
            .collect(),
        paging,
    };
    Frame::page(&page)
}
