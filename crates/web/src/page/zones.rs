//! The zones, their records, and the connections from consumers to them.

use std::collections::BTreeMap;

use askama::Template;
use extension_registry_core::record::RecordKey;
use extension_registry_query::resolve::Outcome;
use serde::Serialize;

use super::layout::{Layout, Section};
use super::visit::Visit;
use crate::diagram::Diagram;
use crate::diagram::zones::{Zone, draw};
use crate::link;
use crate::reply::Reply;

/// Zones, by name; records without a zone are under the empty name.
#[derive(Serialize)]
struct Zones {
    zones: Vec<ZoneDocument>,
}

/// A zone.
#[derive(Default, Serialize)]
struct ZoneDocument {
    name: String,
    records: Vec<String>,
    /// Requirements that use an internal endpoint.
    internal: usize,
    /// Requirements that use an external endpoint.
    external: usize,
}

#[derive(Template)]
#[template(path = "zones.html")]
struct Page {
    layout: Layout,
    diagram: Diagram,
    rows: Vec<Row>,
}

/// A row of the table.
struct Row {
    zone: String,
    path: String,
    records: usize,
    internal: usize,
    external: usize,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let inventory = visit.inventory();
    let mut zones: BTreeMap<String, (ZoneDocument, Vec<(String, String)>)> = BTreeMap::new();
    let mut records: Vec<_> = inventory.index.records().collect();
    records.sort_by(|left, right| left.key.cmp(&right.key));
    for record in records {
        let name = record.zone.as_ref().map_or("", |zone| zone);
        let (document, links) = zones.entry(name.to_owned()).or_default();
        let (kind, namespace) = (record.key.kind().as_str(), record.key.namespace.as_deref());
        let path = link::record(kind, namespace, &record.key.name);
        document.records.push(record.key.to_string());
        links.push((record.key.name.to_string(), path));
    }
    for answer in &visit.answers().answers {
        let Outcome::Bound {
            kind,
            record,
            service,
            endpoint: Some(endpoint),
            ..
        } = &answer.outcome
        else {
            continue;
        };
        let key = match *kind {
            "Extension" => RecordKey::project(answer.namespace.as_str(), record.as_str()),
            _ => RecordKey::cluster(record.as_str()),
        };
        let Some(record) = inventory.index.get(&key) else {
            continue;
        };
        let mut services = record.services.iter();
        let Some(service) = services.find(|one| *one.name == **service) else {
            continue;
        };
        let mut endpoints = service.endpoints.iter();
        let Some(endpoint) = endpoints.find(|one| *one.name == **endpoint) else {
            continue;
        };
        let name = record.zone.as_ref().map_or("", |zone| zone);
        if let Some((document, _)) = zones.get_mut(name) {
            match endpoint.kind.as_str() {
                "internal" => document.internal += 1,
                _ => document.external += 1,
            }
        }
    }
    let mut drawn = Vec::new();
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for (name, (mut document, links)) in zones {
        document.name.clone_from(&name);
        let path = link::query("/records", &[("zone", &name)]);
        let shown = if name.is_empty() { "no zone" } else { &name };
        drawn.push(Zone {
            name: shown.to_owned(),
            connections: format!(
                "{} internal, {} external",
                document.internal, document.external
            ),
            path: path.clone(),
            records: links,
        });
        rows.push(Row {
            zone: shown.to_owned(),
            path,
            records: document.records.len(),
            internal: document.internal,
            external: document.external,
        });
        documents.push(document);
    }
    let page = Page {
        layout: visit.layout(Section::Zones, "Zones"),
        diagram: draw(&drawn),
        rows,
    };
    visit.reply(&Zones { zones: documents }, &page)
}
