//! `extension.yaml`: the chosen service in the format of a record.
//!
//! It contains only the chosen service, endpoint and credentials: no other credentials, access
//! lists, projects or users. Values from source Secrets are in files of their own, so the document
//! lists only the keys of the credentials.

use serde::Serialize;

use crate::record::{Entry, Source};
use crate::resolve::Choice;

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<Item<'a>>,
    services: [ServiceDocument<'a>; 1],
}

#[derive(Serialize)]
struct ServiceDocument<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endpoints: Vec<EndpointDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<CredentialsDocument<'a>>,
}

#[derive(Serialize)]
struct EndpointDocument<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct CredentialsDocument<'a> {
    name: &'a str,
    scope: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<Item<'a>>,
}

/// A configuration entry; one without a value is in the file of its name.
#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

/// Renders the document as YAML. It contains secret values: use only as Secret data.
pub(super) fn render(choice: &Choice) -> String {
    let record = &choice.record;
    let service = choice.service();
    let document = Document {
        name: &record.key.name,
        product: record.product.as_deref(),
        version: record.version_text(),
        zone: record.zone.as_deref(),
        configuration: items(&record.configuration),
        services: [ServiceDocument {
            name: &service.name,
            resource: service.resource.as_deref(),
            category: service.category.as_deref(),
            configuration: items(&service.configuration),
            endpoints: choice
                .endpoint()
                .into_iter()
                .map(|endpoint| EndpointDocument {
                    name: &endpoint.name,
                    url: endpoint
                        .url
                        .as_ref()
                        .map(crate::sensitive::Sensitive::reveal),
                    kind: endpoint.kind.as_str(),
                    configuration: items(&endpoint.configuration),
                })
                .collect(),
            credentials: choice
                .credentials()
                .into_iter()
                .map(|credentials| CredentialsDocument {
                    name: &credentials.name,
                    scope: credentials.scope.as_str(),
                    configuration: credentials
                        .entries
                        .iter()
                        .map(|entry| Item {
                            name: &entry.name,
                            value: match &entry.source {
                                Source::Inline(value) => Some(value.reveal()),
                                Source::Sealed(_) | Source::SecretKey { .. } => None,
                            },
                        })
                        .collect(),
                })
                .collect(),
        }],
    };
    // Maps, lists and strings always serialize; an empty document is the safe fallback.
    serde_saphyr::to_string(&document).unwrap_or_default()
}

fn items(entries: &[Entry]) -> Vec<Item<'_>> {
    entries
        .iter()
        .map(|entry| Item {
            name: &entry.name,
            value: Some(entry.value.reveal()),
        })
        .collect()
}
