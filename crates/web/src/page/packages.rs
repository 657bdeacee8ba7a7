//! The list of packages, with search and facets.

use askama::Template;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::answer::list::{Filter, Row, list};
use extension_registry_packages::answer::type_for_people;
use http::StatusCode;
use serde::Deserialize;

use super::facet::{Facet, Field, facets};
use super::frame::Frame;
use super::layout::{Layout, Section};
use super::outcome::Link;
use super::package_visit::PackageVisit;
use super::paging::Paging;
use crate::link;
use crate::reply::{Problem, Reply};

const PATH: &str = "/packages";

const FIELDS: [Field<Row>; 3] = [
    ("Type", "type", |row| Some(&row.kind)),
    ("License", "license", |row| row.license.as_deref()),
    ("Repository", "repository", |row| Some(&row.source)),
];

/// Parts of the query. An empty value selects all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    q: String,
    #[serde(rename = "type")]
    kind: String,
    license: String,
    repository: String,
    /// Whether to query the repositories even if a recent listing is cached.
    refresh: bool,
    page: Option<usize>,
}

impl Query {
    fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("q", &self.q),
            ("type", &self.kind),
            ("license", &self.license),
            ("repository", &self.repository),
        ]
    }

    fn value(&self, field: &str) -> &str {
        let pairs = self.pairs().into_iter();
        let mut pairs = pairs.filter(|(name, _)| *name == field);
        pairs.next().map_or("", |(_, value)| value)
    }

    /// Returns the address with another value of a field.
    fn with(&self, field: &str, value: &str) -> String {
        let pairs = self
            .pairs()
            .map(|(name, own)| (name, if name == field { value } else { own }));
        link::query(PATH, &pairs)
    }

    fn filter(&self) -> Filter {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            kind: filled(&self.kind),
            license: filled(&self.license),
        }
    }
}

/// A package of a repository.
struct Shown {
    row: Row,
    kind: String,
    path: String,
    newest: Option<Link>,
    repository: String,
}

#[derive(Template)]
#[template(path = "packages.html")]
struct Page<'p> {
    layout: Layout,
    query: &'p Query,
    facets: Vec<Facet>,
    rows: Vec<Shown>,
    paging: Paging,
    refresh: String,
}

pub(crate) async fn page(visit: PackageVisit) -> Reply {
    let (section, title) = (Section::Packages, "Packages");
    if let Some(reply) = visit.without_repositories(section, title) {
        return reply;
    }
    let workspace = visit.workspace()?;
    let query: Query = visit.frame.query()?;
    let mut catalog = workspace.catalog.clone();
    if !query.repository.is_empty() {
        if catalog.source(&query.repository).is_none() {
            let failure = Failure::new(format!("unknown repository `{}`", query.repository))
                .hint("choose one from the list of repositories");
            return Err(Problem::new(StatusCode::NOT_FOUND, failure));
        }
        catalog = catalog.only(&query.repository);
    }
    let text = Some(query.q.trim()).filter(|text| !text.is_empty());
    let listing_cache = workspace.listing_cache(query.refresh);
    let discovery = catalog.discover(text, workspace, &listing_cache).await;
    let mut notes: Vec<Note> = discovery.failures.iter().map(Note::of).collect();
    notes.extend(discovery.warnings.iter().cloned());
    notes.extend(catalog.warnings());
    let listing = list(workspace, discovery, &query.filter());
    if visit.frame.is_json() {
        return Frame::document(&listing);
    }
    let paging = Paging::new(listing.packages.len(), query.page, PATH, &query.pairs());
    let refresh = query.pairs().into_iter().chain([("refresh", "true")]);
    let page = Page {
        layout: visit.frame.layout(section, title, &notes),
        facets: facets(
            &listing.packages,
            &FIELDS,
            |field| query.value(field),
            |field, value| query.with(field, value),
        ),
        rows: paging
            .rows(listing.packages)
            .into_iter()
            .map(shown)
            .collect(),
        refresh: link::query(PATH, &refresh.collect::<Vec<_>>()),
        query: &query,
        paging,
    };
    Frame::page(&page)
}

fn shown(row: Row) -> Shown {
    Shown {
        kind: type_for_people(&row.kind),
        path: link::path(&["packages", &row.kind, &row.name]),
        newest: row.newest.as_ref().map(|version| Link {
            path: link::path(&["packages", &row.kind, &row.name, version]),
            text: version.clone(),
        }),
        repository: link::query(PATH, &[("repository", &row.source)]),
        row,
    }
}
