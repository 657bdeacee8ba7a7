//! Checks templates for cluster state and literal credentials, which exported objects contain.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use extension_registry_core::lookalike;
use extension_registry_core::record::ConfigurationLevel;
use extension_registry_yaml::{Diagnostics, parse};
use serde_json::Value;

use super::BuildError;
use crate::bundle::{self, PackError};
use crate::manifest::Manifest;

/// Fields of object metadata that are set by the cluster or specific to it.
const OF_A_CLUSTER: [&str; 9] = [
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
];
/// Annotations that contain a whole object.
const REPEATS: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Problems of one template.
#[derive(Debug)]
pub struct Checked {
    /// Path in the package.
    pub file: String,
    /// The problems; empty if there are none.
    pub diagnostics: Diagnostics,
}

/// Checks the templates of a package: those in the manifest, and other files below `templates/`.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub fn templates(folder: &Path, manifest: &Manifest) -> Result<Vec<Checked>, BuildError> {
    let named = manifest.templates.iter().map(|one| one.file.clone());
    let mut files: BTreeSet<String> = named.collect();
    files.extend(bundle::files(folder)?.into_keys().filter(|file| {
        let ending = Path::new(file)
            .extension()
            .and_then(|ending| ending.to_str());
        file.starts_with("templates/") && matches!(ending, Some("yaml" | "yml" | "json"))
    }));
    let mut all = Vec::new();
    for file in files {
        let path = folder.join(&file);
        let text = fs::read_to_string(&path).map_err(|error| PackError::Read { path, error })?;
        let diagnostics = template(&text, manifest);
        if !diagnostics.list.is_empty() {
            all.push(Checked { file, diagnostics });
        }
    }
    Ok(all)
}

/// Checks one template.
#[must_use]
pub fn template(text: &str, manifest: &Manifest) -> Diagnostics {
    let mut log = Diagnostics::default();
    let (documents, faults) = parse(text);
    for fault in faults {
        log.error(fault.rule, fault.at, "")
            .message(fault.message, fault.hint);
    }
    for (document, marks) in &documents {
        let mut found = Vec::new();
        object(document, &mut found);
        let spec = document.get("spec").unwrap_or(document);
        let prefix = if document.get("spec").is_some() {
            "spec."
        } else {
            ""
        };
        credentials(spec, prefix, &mut found);
        plain(spec, prefix, &mut found);
        defaults(document, &mut found);
        unknown_placeholders(document, manifest, &mut found);
        for (rule, field, message, hint) in found {
            log.error(rule, marks.find(&field), &field)
                .message(message, hint);
        }
    }
    log.list.sort_by_key(|diagnostic| diagnostic.at);
    log
}

/// Rule, field, message and hint.
type Problems = Vec<(&'static str, String, String, String)>;

fn object(document: &Value, found: &mut Problems) {
    let mut state = |field: String| {
        let message = "is specific to the cluster that it was exported from".to_owned();
        found.push(("state", field, message, "remove it".to_owned()));
    };
    if document.get("status").is_some() {
        state("status".to_owned());
    }
    let Some(metadata) = document.get("metadata") else {
        return;
    };
    for name in OF_A_CLUSTER {
        if metadata.get(name).is_some() {
            state(format!("metadata.{name}"));
        }
    }
    let annotations = metadata.get("annotations");
    if annotations.is_some_and(|annotations| annotations.get(REPEATS).is_some()) {
        state(format!("metadata.annotations.{REPEATS}"));
    }
}

const LITERAL: &str = "literal-credential";
const PLACEHOLDER: &str = "use a placeholder `${NAME}` and a parameter with `secret: true`";

/// Finds values of plain configuration that look like credentials.
fn plain(spec: &Value, prefix: &str, found: &mut Problems) {
    for level in ConfigurationLevel::ALL {
        at_level(spec, level.lists(), prefix, &mut |parent, prefix| {
            entries(parent, prefix, found);
            address(parent, prefix, found);
        });
    }
}

/// Visits the objects that nested lists lead to, each with the path of its fields.
fn at_level(parent: &Value, lists: &[&str], prefix: &str, visit: &mut impl FnMut(&Value, &str)) {
    let Some((list, rest)) = lists.split_first() else {
        return visit(parent, prefix);
    };
    for (at, item) in items(parent, list) {
        at_level(item, rest, &format!("{prefix}{list}[{at}]."), visit);
    }
}

/// Finds credentials in an address.
fn address(around: &Value, prefix: &str, found: &mut Problems) {
    let url = around
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if lookalike::is_credential("", &without_placeholders(url)) {
        let message = "contains a credential, which would be published".to_owned();
        let hint = format!("move it to the `credentials` of the service; {PLACEHOLDER}");
        found.push((LITERAL, format!("{prefix}url"), message, hint));
    }
}

fn entries(around: &Value, prefix: &str, found: &mut Problems) {
    for (at, entry) in items(around, "configuration") {
        let text = |field| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        if lookalike::is_credential(text("name"), &without_placeholders(text("value"))) {
            let field = format!("{prefix}configuration[{at}].value");
            let message = "looks like a credential, which would be published".to_owned();
            let hint = format!("move it to the `credentials` of a service; {PLACEHOLDER}");
            found.push((LITERAL, field, message, hint));
        }
    }
}

/// Finds defaults of parameters that are, or look like, credentials.
fn defaults(document: &Value, found: &mut Problems) {
    let own = document.get("parameters").and_then(Value::as_object);
    for (name, parameter) in own.into_iter().flatten() {
        let default = match parameter.get("default") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        let is_secret = parameter.get("secret") == Some(&Value::Bool(true));
        let says_something = !default.trim().is_empty();
        if says_something && (is_secret || lookalike::is_credential(name, &default)) {
            let message = "is a credential, which would be published".to_owned();
            let more = if is_secret {
                ""
            } else {
                ", and set `secret: true` for the parameter"
            };
            let hint = format!("remove it{more}");
            found.push((LITERAL, format!("parameters.{name}.default"), message, hint));
        }
    }
}

/// Returns a text without its placeholders.
fn without_placeholders(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('}').map_or(part, |(_, rest)| rest)
    })
}

/// Finds values of credentials that are not placeholders.
fn credentials(spec: &Value, prefix: &str, found: &mut Problems) {
    for (service_at, service) in items(spec, "services") {
        for (set_at, set) in items(service, "credentials") {
            for (entry_at, entry) in items(set, "configuration") {
                let is_literal = match entry.get("value") {
                    Some(Value::String(text)) => !is_placeholder(text),
                    Some(Value::Null) | None => false,
                    Some(_) => true,
                };
                if is_literal {
                    let field = format!(
                        "{prefix}services[{service_at}].credentials[{set_at}].configuration[{entry_at}].value"
                    );
                    let message = "is a literal credential, which would be published".to_owned();
                    found.push((LITERAL, field, message, PLACEHOLDER.to_owned()));
                }
            }
        }
    }
}

fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    let items = value.get(field).and_then(Value::as_array);
    items.into_iter().flatten().enumerate()
}

/// Returns whether a text is exactly one placeholder.
fn is_placeholder(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.is_empty() && !name.contains(['$', '{', '}']))
}

/// Finds placeholders without a parameter of the template or the package.
fn unknown_placeholders(document: &Value, manifest: &Manifest, found: &mut Problems) {
    let own = document.get("parameters").and_then(Value::as_object);
    let is_known = |name: &str| {
        own.is_some_and(|own| own.contains_key(name)) || manifest.parameters.contains_key(name)
    };
    let mut places = Vec::new();
    texts(document, String::new(), &mut places);
    for (field, text) in places {
        for rest in text.split("${").skip(1) {
            let Some((name, _)) = rest.split_once('}') else {
                continue;
            };
            if !is_known(name) {
                let message = format!("refers to the undefined parameter `${{{name}}}`");
                let hint = format!("add `{name}` under `parameters`");
                found.push(("unknown-parameter", field.clone(), message, hint));
            }
        }
    }
}

fn texts<'v>(value: &'v Value, path: String, places: &mut Vec<(String, &'v str)>) {
    match value {
        Value::String(text) => places.push((path, text)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, format!("{path}[{index}]"), places);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                texts(value, path, places);
            }
        }
        _ => {}
    }
}
