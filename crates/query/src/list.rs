//! The question which services are registered.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::access::Consumer;
use extension_registry_core::record::{Credentials, Name, Record, Scope, Service};
use extension_registry_core::requirement::{Field, selects};
use schemars::JsonSchema;
use serde::Serialize;

use crate::inventory::Inventory;

/// Selection of services. A field that is not set selects all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Product of the record.
    pub product: Option<String>,
    /// Resource of the service.
    pub resource: Option<String>,
    /// Category of the service.
    pub category: Option<String>,
    /// Zone of the record.
    pub zone: Option<String>,
    /// Project to which the service is visible.
    pub project: Option<String>,
    /// Text in the name of the record or service, or in the value of a selector; case is ignored.
    pub text: Option<String>,
}

/// A service. URLs and values are omitted, because a record in the minimal form may contain a password in them.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub record: String,
    pub service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    pub endpoints: Vec<String>,
    pub credentials: Vec<String>,
    pub default: bool,
}

#[derive(JsonSchema, Serialize)]
pub struct Services {
    pub services: Vec<Row>,
}

/// Lists the services of all valid records.
#[must_use]
pub fn list(inventory: &Inventory, filter: &Filter) -> Services {
    let consumer = filter.project.as_deref().map(Consumer::in_project);
    let text = filter.text.as_deref().map(str::to_lowercase);
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
            if is_wanted(filter, record, service) && contains(text.as_deref(), record, service) {
                rows.push(row(record, service, consumer.as_ref()));
            }
        }
    }
    Services { services: rows }
}

fn is_wanted(filter: &Filter, record: &Record, service: &Service) -> bool {
    let value = |field| match field {
        Field::Product => filter.product.as_deref(),
        Field::Resource => filter.resource.as_deref(),
        Field::Category => filter.category.as_deref(),
        Field::Zone => filter.zone.as_deref(),
        Field::Extension | Field::Service => None,
    };
    selects(value, record, service)
}

/// Returns whether a lowercase text occurs in a service.
fn contains(text: Option<&str>, record: &Record, service: &Service) -> bool {
    let Some(text) = text else {
        return true;
    };
    let optional = [
        record.key.namespace.as_ref(),
        record.product.as_ref(),
        record.zone.as_ref(),
        service.resource.as_ref(),
        service.category.as_ref(),
    ];
    let names = [&record.key.name, &service.name].into_iter();
    names
        .chain(optional.into_iter().flatten())
        .any(|name| name.to_lowercase().contains(text))
}

/// Returns whether credentials are available to a project. User-scoped credentials are, if they admit any of their
/// users in the project.
fn is_available(credentials: &Credentials, consumer: &Consumer) -> bool {
    match credentials.scope {
        Scope::Global | Scope::Project => return credentials.admits(consumer),
        Scope::User => {}
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
    let text = |name: &Option<Name>| name.as_ref().map(ToString::to_string);
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
