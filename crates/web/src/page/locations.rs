//! In which Secrets the values of records are.

use askama::Template;
use extension_registry_query::consumer::ObjectName;
use extension_registry_query::locate::{Location, Locations, locate};
use serde::Deserialize;

use super::layout::{Layout, Section};
use super::outcome::{Link, record_link};
use super::paging::Paging;
use super::visit::Visit;
use crate::link;
use crate::reply::Reply;

const PATH: &str = "/where";

/// Parts of the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    q: String,
    page: Option<usize>,
}

/// Secrets with the values of a service.
struct Row {
    record: Link,
    location: Location,
    consumers: Vec<Link>,
}

#[derive(Template)]
#[template(path = "locations.html")]
struct Page<'p> {
    layout: Layout,
    query: &'p Query,
    rows: Vec<Row>,
    paging: Paging,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let query: Query = visit.query()?;
    let text = query.q.trim().to_lowercase();
    let mut locations = locate(visit.inventory()).locations;
    locations.retain(|location| {
        let credentials = location.credentials.as_deref().unwrap_or_default();
        let texts = [&location.record, &location.service, &location.namespace];
        let mut texts = texts.into_iter().chain(&location.secrets);
        texts.any(|own| own.to_lowercase().contains(&text))
            || credentials.to_lowercase().contains(&text)
    });
    if visit.is_json() {
        return Visit::document(&Locations { locations });
    }
    let paging = Paging::new(locations.len(), query.page, PATH, &[("q", &query.q)]);
    let rows = paging.rows(locations).into_iter().map(row);
    let page = Page {
        layout: visit.layout(Section::Locations, "Rendered Secrets"),
        rows: rows.collect(),
        query: &query,
        paging,
    };
    Visit::page(&page)
}

fn row(location: Location) -> Row {
    let namespace = &location.namespace;
    let consumers = location.consumers.iter().map(|object| {
        let part = match object {
            ObjectName::Workflow { .. } => "workflows",
            ObjectName::Binding { .. } => "bindings",
        };
        Link {
            path: link::path(&[part, namespace, object.name()]),
            text: object.name().to_owned(),
        }
    });
    Row {
        record: record_link(location.kind, namespace, &location.record),
        consumers: consumers.collect(),
        location,
    }
}
