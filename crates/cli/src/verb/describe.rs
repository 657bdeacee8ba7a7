//! The command `describe`, which prints a record without its values.

use std::io::Write;

use anyhow::{Result, ensure};
use clap::Args;
use extension_registry_core::lookalike;
use extension_registry_core::record::{
    Credentials, Name, Record, Source as ValueSource, SourceSecret,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Format, Source};
use crate::inventory::{Inventory, ReadOptions};
use crate::output;
use crate::report::human::print_findings;
use crate::verb::resolve::{Outcome, answers, suggestion};

#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Record: NAME, or NAMESPACE/NAME for a record in a project
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    source: Source,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Description {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    product: Option<String>,
    version: Option<String>,
    zone: Option<String>,
    default: bool,
    configuration: Vec<String>,
    services: Vec<Service>,
    consumers: Vec<Consumer>,
}

#[derive(JsonSchema, Serialize)]
struct Service {
    name: String,
    resource: Option<String>,
    category: Option<String>,
    endpoints: Vec<Endpoint>,
    credentials: Vec<Set>,
    configuration: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
struct Endpoint {
    name: String,
    /// Address, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    configuration: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
struct Set {
    name: String,
    scope: &'static str,
    default: bool,
    projects: Option<Vec<String>>,
    users: Option<Vec<String>>,
    keys: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Consumer {
    pub(crate) namespace: String,
    pub(crate) workflow: String,
    pub(crate) step: String,
    pub(crate) requirement: String,
    service: String,
}

pub(crate) fn run(verb: &Describe, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = Inventory::read(&verb.source, ReadOptions::ALL_NAMESPACES)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let mut found = inventory.records.iter().filter(|entry| {
        let qualified = match &entry.key.namespace {
            Some(namespace) => format!("{namespace}/{}", entry.key.name),
            None => entry.key.name.to_string(),
        };
        qualified == verb.name || (!verb.name.contains('/') && *entry.key.name == *verb.name)
    });
    let (first, more) = (found.next(), found.next());
    ensure!(
        first.is_some(),
        "record `{}` not found{}",
        verb.name,
        suggestion(
            &verb.name,
            inventory.records.iter().map(|entry| &*entry.key.name)
        )
    );
    ensure!(
        more.is_none(),
        "several records are named `{}`; hint: use NAMESPACE/NAME",
        verb.name
    );
    let record = first.and_then(|entry| inventory.index.get(&entry.key));
    let Some(record) = record else {
        anyhow::bail!(
            "record `{}` is invalid; hint: fix its errors first",
            verb.name
        );
    };
    let description = describe(&inventory, record);
    match verb.output {
        Format::Json => output::json(out, &description)?,
        Format::Yaml => output::yaml(out, &description)?,
        Format::Name => writeln!(out, "{}", description.name)?,
        Format::Table | Format::Wide => write_table(&description, out)?,
    }
    Ok(if is_wrong {
        ExitStatus::Failure
    } else {
        ExitStatus::Success
    })
}

fn text(name: Option<&Name>) -> Option<String> {
    name.map(ToString::to_string)
}

fn texts(names: Option<&[Name]>) -> Option<Vec<String>> {
    names.map(|names| names.iter().map(ToString::to_string).collect())
}

fn describe(inventory: &Inventory, record: &Record) -> Description {
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
        consumers: consumers(inventory, record),
    }
}

fn keys(entries: &[extension_registry_core::record::Entry]) -> Vec<String> {
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
pub(crate) fn consumers(inventory: &Inventory, record: &Record) -> Vec<Consumer> {
    let mut consumers = Vec::new();
    for entry in &inventory.workflows {
        for answer in answers(&inventory.resolved(entry)) {
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
                    workflow: answer.workflow,
                    step: answer.step,
                    requirement: answer.requirement,
                    service,
                });
            }
        }
    }
    consumers
}

fn write_table(description: &Description, out: &mut Vec<u8>) -> Result<()> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let namespace = description
        .namespace
        .as_ref()
        .map(|namespace| format!("{namespace}/"))
        .unwrap_or_default();
    writeln!(out, "{} {namespace}{}", description.kind, description.name)?;
    writeln!(out, "Product:  {}", or_dash(&description.product))?;
    writeln!(out, "Version:  {}", or_dash(&description.version))?;
    writeln!(out, "Zone:     {}", or_dash(&description.zone))?;
    writeln!(out, "Default:  {}", description.default)?;
    list(out, "Keys:    ", &description.configuration)?;
    for service in &description.services {
        writeln!(
            out,
            "\nService {} (resource {}, category {})",
            service.name,
            or_dash(&service.resource),
            or_dash(&service.category)
        )?;
        list(out, "  Keys: ", &service.configuration)?;
        for endpoint in &service.endpoints {
            let url = endpoint.url.as_deref().unwrap_or("-");
            writeln!(
                out,
                "  Endpoint {}: {}, {url}",
                endpoint.name, endpoint.kind
            )?;
            list(out, "    Keys: ", &endpoint.configuration)?;
        }
        for set in &service.credentials {
            let default = if set.default { ", default" } else { "" };
            writeln!(out, "  Credentials {}: {}{default}", set.name, set.scope)?;
            for (what, names) in [("Projects", &set.projects), ("Users", &set.users)] {
                if let Some(names) = names {
                    writeln!(out, "    {what}: {}", names.join(", "))?;
                }
            }
            list(out, "    Keys: ", &set.keys)?;
        }
    }
    if !description.consumers.is_empty() {
        writeln!(out)?;
        let rows = description.consumers.iter().map(|consumer| {
            vec![
                consumer.namespace.clone(),
                consumer.workflow.clone(),
                consumer.step.clone(),
                consumer.requirement.clone(),
                consumer.service.clone(),
            ]
        });
        let header = ["NAMESPACE", "WORKFLOW", "STEP", "REQUIREMENT", "SERVICE"];
        output::table(out, &header, rows)?;
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, title: &str, names: &[String]) -> Result<()> {
    if !names.is_empty() {
        writeln!(out, "{title} {}", names.join(", "))?;
    }
    Ok(())
}
