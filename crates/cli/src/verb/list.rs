//! The command `list`.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Credentials, Record, Scope, Service};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Format, Source};
use crate::inventory::{Inventory, ReadOptions};
use crate::output;
use crate::report::human::print_findings;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    source: Source,
    /// Only services of this product
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// Only services with this resource
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only services of this category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Only records in this zone
    #[arg(long, value_name = "ZONE")]
    in_zone: Option<String>,
    /// Only services visible to this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A service. URLs and values are omitted, because a record in the minimal form may contain a password in them.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    record: String,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    endpoints: Vec<String>,
    credentials: Vec<String>,
    default: bool,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Services {
    services: Vec<Row>,
}

pub(crate) fn run(verb: &List, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = Inventory::read(&verb.source, ReadOptions::RECORDS)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let rows = rows(verb, &inventory);
    match verb.output {
        Format::Json => output::json(out, &Services { services: rows })?,
        Format::Yaml => output::yaml(out, &Services { services: rows })?,
        Format::Name => {
            for row in &rows {
                writeln!(out, "{}/{}", row.record, row.service)?;
            }
        }
        Format::Table => output::table(out, &HEADER, rows.into_iter().map(narrow))?,
        Format::Wide => {
            let header: Vec<&str> = HEADER.into_iter().chain(WIDE).collect();
            output::table(out, &header, rows.into_iter().map(wide))?;
        }
    }
    Ok(if is_wrong {
        ExitStatus::Failure
    } else {
        ExitStatus::Success
    })
}

const HEADER: [&str; 8] = [
    "NAMESPACE",
    "RECORD",
    "SERVICE",
    "PRODUCT",
    "VERSION",
    "RESOURCE",
    "CATEGORY",
    "ZONE",
];
const WIDE: [&str; 3] = ["ENDPOINTS", "CREDENTIALS", "DEFAULT"];

fn narrow(row: Row) -> Vec<String> {
    let optional = Option::unwrap_or_default;
    vec![
        optional(row.namespace),
        row.record,
        row.service,
        optional(row.product),
        optional(row.version),
        optional(row.resource),
        optional(row.category),
        optional(row.zone),
    ]
}

fn wide(row: Row) -> Vec<String> {
    let more = [
        row.endpoints.join(", "),
        row.credentials.join(", "),
        if row.default { "true" } else { "" }.to_owned(),
    ];
    narrow(row).into_iter().chain(more).collect()
}

fn rows(verb: &List, inventory: &Inventory) -> Vec<Row> {
    let consumer = verb.project.as_deref().map(Consumer::in_project);
    let mut rows = Vec::new();
    for entry in &inventory.records {
        let Some(record) = inventory.index.get(&entry.key) else {
            continue;
        };
        let is_seen = consumer.as_ref().is_none_or(|consumer| {
            let is_near = record
                .key
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == consumer.project);
            is_near && record.access.admits(consumer)
        });
        if !is_seen {
            continue;
        }
        for service in &record.services {
            if is_wanted(verb, record, service) {
                rows.push(row(record, service, consumer.as_ref()));
            }
        }
    }
    rows
}

fn is_wanted(verb: &List, record: &Record, service: &Service) -> bool {
    let matches = |filter: &Option<String>, value: Option<&str>| {
        filter.is_none() || filter.as_deref() == value
    };
    matches(&verb.product, record.product.as_deref())
        && matches(&verb.resource, service.resource.as_deref())
        && matches(&verb.category, service.category.as_deref())
        && matches(&verb.in_zone, record.zone.as_deref())
}

/// Returns whether credentials are available to a project. User-scoped credentials are, if they admit any of their
/// users in the project.
fn is_available(credentials: &Credentials, consumer: &Consumer) -> bool {
    if credentials.scope != Scope::User {
        return credentials.admits(consumer);
    }
    let users = credentials.users.as_deref().unwrap_or_default();
    users.iter().any(|user| {
        credentials.admits(&Consumer {
            user: Some(user.clone()),
            ..consumer.clone()
        })
    })
}

fn row(record: &Record, service: &Service, consumer: Option<&Consumer>) -> Row {
    let text = |name: &Option<extension_registry_core::record::Name>| {
        name.as_ref().map(ToString::to_string)
    };
    Row {
        kind: record.key.kind().as_str(),
        namespace: text(&record.key.namespace),
        record: record.key.name.to_string(),
        service: service.name.to_string(),
        product: text(&record.product),
        version: record.version_text().map(str::to_owned),
        resource: text(&service.resource),
        category: text(&service.category),
        zone: text(&record.zone),
        endpoints: service
            .endpoints
            .iter()
            .map(|endpoint| endpoint.name.to_string())
            .collect(),
        credentials: service
            .credentials
            .iter()
            .filter(|set| consumer.is_none_or(|consumer| is_available(set, consumer)))
            .map(|entry| format!("{} ({})", entry.name, entry.scope.as_str()))
            .collect(),
        default: record.default,
    }
}
