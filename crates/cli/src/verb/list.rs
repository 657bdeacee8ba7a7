//! `list`: services that are registered.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Credentials, Record, Scope, Service};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Format, Source};
use crate::output;
use crate::report::human::complain;
use crate::world::{Wanted, World};
use crate::{FINE, WRONG};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    source: Source,
    /// Only services of this product
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// Only services that offer this resource
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only services of this category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Only records in this zone
    #[arg(long, value_name = "ZONE")]
    in_zone: Option<String>,
    /// Only what this project sees
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// The form of the list
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A service. Neither URLs nor any other value: the minimal form of a record may keep a password
/// there.
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

pub(crate) fn run(verb: &List, out: &mut Vec<u8>) -> Result<u8> {
    let world = World::read(&verb.source, Wanted::RECORDS)?;
    let is_wrong = complain(&world.findings)?;
    let rows = rows(verb, &world);
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
    Ok(if is_wrong { WRONG } else { FINE })
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

fn rows(verb: &List, world: &World) -> Vec<Row> {
    let consumer = verb.project.as_deref().map(Consumer::in_project);
    let mut rows = Vec::new();
    for entry in &world.records {
        let Some(record) = world.index.get(&entry.key) else {
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
    let holds = |wanted: &Option<String>, value: Option<&str>| {
        wanted.is_none() || wanted.as_deref() == value
    };
    holds(&verb.product, record.product.as_deref())
        && holds(&verb.resource, service.resource.as_deref())
        && holds(&verb.category, service.category.as_deref())
        && holds(&verb.in_zone, record.zone.as_deref())
}

/// Whether anybody of a project may have credentials. Those of a user are for whom they name, and who that is
/// was not asked.
fn may_be_had(credentials: &Credentials, consumer: &Consumer) -> bool {
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
            .filter(|set| consumer.is_none_or(|consumer| may_be_had(set, consumer)))
            .map(|entry| format!("{} ({})", entry.name, entry.scope.as_str()))
            .collect(),
        default: record.default,
    }
}
