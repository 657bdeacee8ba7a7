//! A record, and what depends on it.

use askama::Template;
use extension_registry_core::record::RecordKey;
use extension_registry_query::describe::{Consumer, Description, describe_record};
use extension_registry_query::finding::{Finding, Level};
use extension_registry_query::whatif::{Effect, removal};

use super::layout::{Layout, Section};
use super::outcome::{Link, Shown, consumer, requirement, shown};
use super::visit::Visit;
use crate::diagram::Diagram;
use crate::diagram::dependencies::of_record;
use crate::reply::{Problem, Reply};

/// A requirement that resolves to the record.
struct Dependent {
    namespace: String,
    kind: &'static str,
    consumer: Link,
    requirement: String,
    service: String,
}

/// A requirement whose result changes if the record is removed.
struct Change {
    namespace: String,
    kind: &'static str,
    consumer: Link,
    requirement: String,
    effect: &'static str,
    after: Shown,
}

#[derive(Template)]
#[template(path = "record.html")]
struct Page<'p> {
    layout: Layout,
    record: &'p Description,
    consumers: Vec<Dependent>,
    changes: Vec<Change>,
    file: String,
    diagram: Diagram,
}

/// A record that does not match the schema of its kind.
#[derive(Template)]
#[template(path = "invalid.html")]
struct InvalidPage<'p> {
    layout: Layout,
    findings: Vec<&'p Finding>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let path = visit.path();
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let key = match parts.as_slice() {
        [_, "clusterextension", name] => RecordKey::cluster(*name),
        [_, "extension", namespace, name] => RecordKey::project(*namespace, *name),
        _ => return Err(Problem::not_found("page")),
    };
    let inventory = visit.inventory();
    let Some(entry) = inventory.records.iter().find(|entry| entry.key == key) else {
        return Err(Problem::not_found(&key.to_string()));
    };
    let answers = &visit.answers().answers;
    let layout = visit.layout(Section::Records, &*key.name);
    let Some(record) = describe_record(inventory, &key, answers) else {
        let findings = inventory.findings.iter();
        let findings = findings.filter(|finding| finding.object == entry.origin.object);
        let findings: Vec<&Finding> = findings.collect();
        let page = InvalidPage {
            layout,
            findings: findings.clone(),
        };
        return visit.reply(&findings, &page);
    };
    let affected = removal(inventory, &key, answers).affected;
    let page = Page {
        layout,
        consumers: record.consumers.iter().map(dependent).collect(),
        changes: affected
            .iter()
            .map(|affected| {
                let (kind, link) = consumer(&affected.namespace, &affected.consumer);
                Change {
                    namespace: affected.namespace.clone(),
                    kind,
                    consumer: link,
                    requirement: requirement(&affected.consumer),
                    effect: match affected.effect {
                        Effect::Stops => "stops",
                        Effect::Changes => "changes",
                        Effect::Starts => "starts",
                        Effect::OtherRefusal => "is refused for another reason",
                    },
                    after: shown(&affected.namespace, &affected.after),
                }
            })
            .collect(),
        file: entry.origin.file.to_string(),
        diagram: of_record(&record),
        record: &record,
    };
    visit.reply(&record, &page)
}

fn dependent(one: &Consumer) -> Dependent {
    let (kind, link) = consumer(&one.namespace, &one.consumer);
    Dependent {
        namespace: one.namespace.clone(),
        kind,
        consumer: link,
        requirement: requirement(&one.consumer),
        service: one.service.clone(),
    }
}
