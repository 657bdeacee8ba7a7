//! The list of services, with search and facets.

use std::collections::BTreeMap;

use askama::Template;
use extension_registry_query::list::{Filter, Row, Services, list};
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::paging::Paging;
use super::visit::Visit;
use crate::link;
use crate::reply::Reply;

const PATH: &str = "/records";

/// Maximum number of values of a facet; the search finds the others.
const VALUES: usize = 12;

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

    /// Returns the address with another value of a field.
    fn with(&self, field: &str, value: &str) -> String {
        let pairs = self
            .pairs()
            .map(|(name, own)| (name, if name == field { value } else { own }));
        link::query(PATH, &pairs)
    }
}

/// Values of a selector among the listed services.
struct Facet {
    title: &'static str,
    values: Vec<Value>,
    /// Number of values that are not shown.
    omitted: usize,
    /// Address without this selection.
    clear: Option<String>,
}

/// A value of a selector.
struct Value {
    text: String,
    count: usize,
    path: String,
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
    let facets = facets(&query, &services);
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

/// Reads the value of a selector.
type Read = fn(&Row) -> Option<&str>;

fn facets(query: &Query, services: &Services) -> Vec<Facet> {
    let facets: [(&str, &str, &str, Read); 4] = [
        ("Product", "product", &query.product, |row| {
            row.product.as_deref()
        }),
        ("Resource", "resource", &query.resource, |row| {
            row.resource.as_deref()
        }),
        ("Category", "category", &query.category, |row| {
            row.category.as_deref()
        }),
        ("Zone", "zone", &query.zone, |row| row.zone.as_deref()),
    ];
    let facets = facets.into_iter().map(|(title, field, selected, value)| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in services.services.iter().filter_map(value) {
            *counts.entry(text).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let omitted = counts.len().saturating_sub(VALUES);
        let values = counts.into_iter().take(VALUES).map(|(text, count)| Value {
            text: text.to_owned(),
            count,
            path: query.with(field, text),
        });
        Facet {
            title,
            values: values.collect(),
            omitted,
            clear: (!selected.is_empty()).then(|| query.with(field, "")),
        }
    });
    facets
        .filter(|facet| !facet.values.is_empty() || facet.clear.is_some())
        .collect()
}
