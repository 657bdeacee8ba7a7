//! The question what a record contains, without its values, and which workflows and bindings use it.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::diagnostic::Failure;
use extension_registry_core::lookalike;
use extension_registry_core::record::{
    Credentials, Entry, Name, Record, RecordKey, Source as ValueSource, SourceSecret,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::consumer::ConsumerName;
use crate::inventory::Inventory;
use crate::resolve::{Answer, Outcome, all_answers};
use crate::suggest::similar;

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    pub product: Option<String>,
    pub version: Option<String>,
    pub zone: Option<String>,
    pub default: bool,
    pub configuration: Vec<String>,
    pub services: Vec<Service>,
    pub consumers: Vec<Consumer>,
}

#[derive(JsonSchema, Serialize)]
pub struct Service {
    pub name: String,
    pub resource: Option<String>,
    pub category: Option<String>,
    pub endpoints: Vec<Endpoint>,
    pub credentials: Vec<Set>,
    pub configuration: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Endpoint {
    pub name: String,
    /// Address, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub configuration: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Set {
    pub name: String,
    pub scope: &'static str,
    pub default: bool,
    pub projects: Option<Vec<String>>,
    pub users: Option<Vec<String>>,
    pub keys: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Consumer {
    pub namespace: String,
    #[serde(flatten)]
    pub consumer: ConsumerName,
    pub service: String,
}

/// Describes the record with a name: NAME, or NAMESPACE/NAME for a record of a project.
///
/// # Errors
/// If there is no such record, the name is ambiguous, or the record is invalid.
pub fn describe(inventory: &Inventory, name: &str) -> Result<Description> {
    let mut found = inventory.records.iter().filter(|entry| {
        let qualified = match &entry.key.namespace {
            Some(namespace) => format!("{namespace}/{}", entry.key.name),
            None => entry.key.name.to_string(),
        };
        qualified == name || (!name.contains('/') && *entry.key.name == *name)
    });
    let Some(first) = found.next() else {
        return Err(not_found(inventory, name));
    };
    if found.next().is_some() {
        let failure = Failure::new(format!("several records are named `{name}`"));
        return Err(failure.hint("use NAMESPACE/NAME"));
    }
    let Some(record) = inventory.index.get(&first.key) else {
        return Err(
            Failure::new(format!("record `{name}` is invalid")).hint("fix its errors first")
        );
    };
    Ok(description(record, all_answers(inventory)))
}

/// Describes a record, with its consumers among these resolutions. None if it does not exist or is invalid.
#[must_use]
pub fn describe_record(
    inventory: &Inventory,
    key: &RecordKey,
    answers: &[Answer],
) -> Option<Description> {
    let record = inventory.index.get(key)?;
    Some(description(record, answers.iter().cloned()))
}

/// Creates the error for an unknown record.
fn not_found(inventory: &Inventory, name: &str) -> Failure {
    let names = inventory.records.iter().map(|entry| &*entry.key.name);
    Failure::new(format!("record `{name}` not found"))
        .hint(similar(name, names).unwrap_or_default())
}

/// Returns the key of the record of a project, or of the cluster, and the requirements that resolve to it.
///
/// # Errors
/// If there is no such record.
pub fn consumers_of(
    inventory: &Inventory,
    name: &str,
    project: Option<&str>,
) -> Result<(RecordKey, Vec<Consumer>)> {
    let mut records = inventory.records.iter();
    let found =
        records.find(|entry| *entry.key.name == *name && entry.key.namespace.as_deref() == project);
    let Some(entry) = found else {
        return Err(not_found(inventory, name));
    };
    let record = inventory.index.get(&entry.key);
    let consumers = record.map(|record| consumers(inventory, record));
    Ok((entry.key.clone(), consumers.unwrap_or_default()))
}

fn text(name: Option<&Name>) -> Option<String> {
    name.map(ToString::to_string)
}

fn texts(names: Option<&[Name]>) -> Option<Vec<String>> {
    names.map(|names| names.iter().map(ToString::to_string).collect())
}

fn description(record: &Record, answers: impl Iterator<Item = Answer>) -> Description {
    let services = record.services.iter().map(|service| Service {
        name: service.name.to_string(),
        resource: text(service.resource.as_ref()),
        category: text(service.category.as_ref()),
        endpoints: service
            .endpoints
            .iter()
            .map(|endpoint| Endpoint {
                name: endpoint.name.to_string(),
                url: endpoint
                    .url
                    .as_ref()
                    .map(|url| lookalike::without_credentials(url.reveal())),
                kind: endpoint.kind.as_str(),
                configuration: keys(&endpoint.configuration),
            })
            .collect(),
        credentials: service.credentials.iter().map(set).collect(),
        configuration: keys(&service.configuration),
    });
    Description {
        kind: record.key.kind().as_str(),
        namespace: text(record.key.namespace.as_ref()),
        name: record.key.name.to_string(),
        product: text(record.product.as_ref()),
        version: record.version_text().map(str::to_owned),
        zone: text(record.zone.as_ref()),
        default: record.default,
        configuration: keys(&record.configuration),
        services: services.collect(),
        consumers: consumers_among(record, answers),
    }
}

fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

fn set(credentials: &Credentials) -> Set {
    let entries = credentials.entries.iter().map(|entry| match &entry.source {
        ValueSource::Inline(_) => format!("{} (in the record)", entry.name),
        ValueSource::Sealed(_)
        | ValueSource::SecretKey {
            secret: SourceSecret::Sealed(_),
            ..
        } => format!("{} (sealed)", entry.name),
        ValueSource::SecretKey { secret, key } => {
            format!("{} (Secret {secret}, key {key})", entry.name)
        }
    });
    let whole = credentials
        .secret
        .iter()
        .map(|secret| format!("* (Secret {secret})"));
    Set {
        name: credentials.name.to_string(),
        scope: credentials.scope.as_str(),
        default: credentials.default,
        projects: texts(credentials.projects.as_deref()),
        users: texts(credentials.users.as_deref()),
        keys: entries.chain(whole).collect(),
    }
}

/// Returns the requirements that resolve to a record.
#[must_use]
pub fn consumers(inventory: &Inventory, record: &Record) -> Vec<Consumer> {
    consumers_among(record, all_answers(inventory))
}

fn consumers_among(record: &Record, answers: impl Iterator<Item = Answer>) -> Vec<Consumer> {
    let mut consumers = Vec::new();
    for answer in answers {
        let Outcome::Bound {
            kind,
            record: name,
            service,
            ..
        } = answer.outcome
        else {
            continue;
        };
        let is_here = record
            .key
            .namespace
            .as_ref()
            .is_none_or(|namespace| **namespace == *answer.namespace);
        if kind == record.key.kind().as_str() && *name == *record.key.name && is_here {
            consumers.push(Consumer {
                namespace: answer.namespace,
                consumer: answer.consumer,
                service,
            });
        }
    }
    consumers
}
