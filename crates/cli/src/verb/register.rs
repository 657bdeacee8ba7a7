//! `register`: a tool in one line. What was not said is taken from what was, and shown before it is
//! applied.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::sensitive::Sensitive;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use crate::args::Cluster;
use crate::report::human::complain;
use crate::world::World;
use crate::world::cluster::{self, record_api};
use crate::{FINE, WRONG, output};

const REDACTED: &str = "[redacted]";
/// Name under which this program applies.
const MANAGER: &str = "kubectl-ext";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Register {
    /// Name of the record; also its product, where that is not said
    #[arg(value_name = "NAME")]
    name: String,
    /// Where it is reached
    #[arg(long, value_name = "URL")]
    url: String,
    /// What was installed
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// Its version; a semantic version can match a range
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// What it offers: `s3`, `mlflow-tracking`
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// A wider word for that: `object-storage`
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Where it runs
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Name of the service; the resource or the name of the record, where it is not said
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// The URL is reached from its own zone only
    #[arg(long)]
    internal: bool,
    /// It wins where several match
    #[arg(long)]
    default: bool,
    /// Of one project alone: makes an Extension there
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// A credential: KEY=secret:NAME/KEY refers to a Secret; KEY=file:PATH and KEY=env:NAME read a value, which the operator seals
    #[arg(long = "credential", value_name = "KEY=SOURCE", value_parser = credential)]
    credentials: Vec<(String, From)>,
    /// Only this project may have the credentials; may be repeated
    #[arg(long, value_name = "PROJECT", requires = "credentials")]
    for_project: Vec<String>,
    /// Only this user may have the credentials; may be repeated
    #[arg(long, value_name = "USER", requires = "credentials")]
    for_user: Vec<String>,
    /// Print the record, values redacted, and apply nothing
    #[arg(long)]
    dry_run: bool,
    /// Apply it without a question
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    cluster: Cluster,
}

/// Where a credential comes from, as it was typed.
#[derive(Clone, Debug)]
enum From {
    Secret { name: String, key: String },
    File(PathBuf),
    Variable(String),
}

/// What the entry of the record says.
enum Entry {
    Reference { name: String, key: String },
    Value(Sensitive),
}

fn credential(text: &str) -> Result<(String, From), String> {
    let ways = "write KEY=secret:NAME/KEY, KEY=file:PATH or KEY=env:NAME";
    // What stands behind `=` may be a password: it is not repeated.
    let (key, source) = text
        .split_once('=')
        .ok_or_else(|| format!("it has no `=`: {ways}"))?;
    let from = match source.split_once(':') {
        Some(("secret", place)) => {
            let (name, key) = place
                .split_once('/')
                .ok_or_else(|| "a Secret is named as secret:NAME/KEY".to_owned())?;
            From::Secret {
                name: name.to_owned(),
                key: key.to_owned(),
            }
        }
        Some(("file", path)) => From::File(path.into()),
        Some(("env", name)) => From::Variable(name.to_owned()),
        _ => {
            return Err(format!(
                "a value on the command line stays in the history of the shell: {ways}"
            ));
        }
    };
    Ok((key.to_owned(), from))
}

pub(crate) fn run(verb: &Register, out: &mut Vec<u8>) -> Result<u8> {
    let entries = verb
        .credentials
        .iter()
        .map(|(key, from)| read(key, from).map(|entry| (key.clone(), entry)))
        .collect::<Result<Vec<_>>>()?;
    let shown = record(verb, &entries, |_| REDACTED.to_owned());
    if complain(&World::check(shown.clone()))? {
        return Ok(WRONG);
    }
    if verb.dry_run {
        output::yaml(out, &shown)?;
        return Ok(FINE);
    }
    if !verb.yes {
        let mut text = Vec::new();
        output::yaml(&mut text, &shown)?;
        let question = format!("{}\nApply this?", String::from_utf8_lossy(&text));
        if !output::confirm(&question)? {
            bail!("nothing was applied");
        }
    }
    let object = record(verb, &entries, |value| value.reveal().to_owned());
    cluster::block_on(apply(verb, object, out))
}

fn read(key: &str, from: &From) -> Result<Entry> {
    Ok(match from {
        From::Secret { name, key } => Entry::Reference {
            name: name.clone(),
            key: key.clone(),
        },
        From::File(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {} for {key}", path.display()))?;
            // Editors end a file with a line break, which is no part of a password.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Entry::Value(Sensitive::new(text.strip_suffix('\r').unwrap_or(text)))
        }
        From::Variable(name) => {
            let value = std::env::var(name)
                .ok()
                .with_context(|| format!("variable {name} for {key} is not set, or no text"))?;
            Entry::Value(Sensitive::new(value))
        }
    })
}

/// The record, with each value as the caller wants it shown.
fn record(
    verb: &Register,
    entries: &[(String, Entry)],
    show: impl Fn(&Sensitive) -> String,
) -> Value {
    let service = verb
        .service
        .as_ref()
        .or(verb.resource.as_ref())
        .unwrap_or(&verb.name);
    let mut endpoint = json!({"name": "main", "url": verb.url});
    endpoint["type"] = json!(if verb.internal {
        "internal"
    } else {
        "external"
    });
    let mut offered = json!({"name": service, "endpoints": [endpoint]});
    set(&mut offered, "resource", verb.resource.as_deref());
    set(&mut offered, "category", verb.category.as_deref());
    if !entries.is_empty() {
        let configuration: Vec<Value> = entries
            .iter()
            .map(|(key, entry)| match entry {
                Entry::Reference { name, key: from } => json!({
                    "name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": from}},
                }),
                Entry::Value(value) => json!({"name": key, "value": show(value)}),
            })
            .collect();
        let mut credentials = json!({"name": "main", "configuration": configuration});
        let scope = match (verb.for_user.is_empty(), verb.for_project.is_empty()) {
            (false, _) => "user",
            (true, false) => "project",
            (true, true) => "global",
        };
        credentials["scope"] = json!(scope);
        if !verb.for_project.is_empty() {
            credentials["project"] = json!(verb.for_project);
        }
        if !verb.for_user.is_empty() {
            credentials["user"] = json!(verb.for_user);
        }
        offered["credentials"] = json!([credentials]);
    }
    let product = verb.product.as_ref().unwrap_or(&verb.name);
    let mut spec = json!({"product": product, "services": [offered]});
    set(&mut spec, "version", verb.version.as_deref());
    set(&mut spec, "zone", verb.zone.as_deref());
    if verb.default {
        spec["default"] = json!(true);
    }
    let mut metadata = Map::from_iter([("name".to_owned(), json!(verb.name))]);
    let kind = if let Some(project) = &verb.project {
        metadata.insert("namespace".to_owned(), json!(project));
        "Extension"
    } else {
        "ClusterExtension"
    };
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    })
}

fn set(object: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[field] = json!(value);
    }
}

async fn apply(verb: &Register, object: Value, out: &mut Vec<u8>) -> Result<u8> {
    let api = record_api(&verb.cluster, verb.project.as_deref()).await?;
    let object: DynamicObject = serde_json::from_value(object)?;
    let result = api
        .patch(
            &verb.name,
            &PatchParams::apply(MANAGER),
            &Patch::Apply(&object),
        )
        .await;
    match result {
        Ok(_) => {
            writeln!(out, "{} registered", verb.name)?;
            Ok(FINE)
        }
        Err(kube::Error::Api(status)) => {
            // Messages of the API server may quote a field, but never one of a value that it accepted.
            ensure!(
                status.code != 409,
                "record `{}` was written by somebody else, with other values; hint: kubectl edit, or kubectl ext unregister it first",
                verb.name
            );
            bail!("{}", status.message)
        }
        Err(error) => Err(error).context("failed to apply the record"),
    }
}
