//! The list of services, with search and facets.

use askama::Template;
use extension_registry_query::list::{Filter, Row, list};
use serde::Deserialize;

use super::facet::{Facet, Field, facets};
use super::layout::{Layout, Section};
use super::paging::Paging;
use super::visit::Visit;
use crate::link;
use crate::reply::Reply;

const PATH: &str = "/records";

const FIELDS: [Field<Row>; 4] = [
    ("Product", "product", |row| row.product.as_deref()),
    ("Resource", "resource", |row| row.resource.as_deref()),
    ("Category", "category", |row| row.category.as_deref()),
    ("Zone", "zone", |row| row.zone.as_deref()),
];

/// Parts of the query. An empty value selects all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    q: String,
    product: String,
    resource: String,
    category: String,
    zone: String,
    project: String,
    page: Option<usize>,
}

impl Query {
    fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("product", &self.product),
            ("resource", &self.resource),
            ("category", &self.category),
            ("zone", &self.zone),
            ("project", &self.project),
        ]
    }

    fn filter(&self) -> Filter {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            product: filled(&self.product),
            resource: filled(&self.resource),
            category: filled(&self.category),
            zone: filled(&self.zone),
            project: filled(&self.project),
            text: filled(self.q.trim()),
        }
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
}

#[derive(Template)]
#[template(path = "records.html")]
struct Page<'p> {
    layout: Layout,
    query: &'p Query,
    facets: Vec<Facet>,
    rows: Vec<(String, Row)>,
    paging: Paging,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let query: Query = visit.query()?;
    let services = list(visit.inventory(), &query.filter());
    let facets = facets(
        &services.services,
        &FIELDS,
        |field| query.value(field),
        |field, value| query.with(field, value),
    );
    let paging = Paging::new(services.services.len(), query.page, PATH, &query.pairs());
    if visit.is_json() {
        return Visit::document(&services);
    }
    let rows = paging.rows(services.services).into_iter();
    let page = Page {
        layout: visit.layout(Section::Records, "Records"),
        facets,
        rows: rows
            .map(|row| {
                let path = link::record(row.kind, row.namespace.as_deref(), &row.record);
                (path, row)
            })
            .collect(),
        query: &query,
        paging,
    };
    Visit::page(&page)
}
