//! The definitions of all kinds, as the cluster gets them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::kinds::{ClusterExtension, Extension};
use crate::projection::ExtensionProjection;
use crate::run_gate::RunGate;
use crate::workflow::Workflow;

/// A definition cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has no form in JSON.
    #[error("failed to write a definition as JSON")]
    Json(#[from] serde_json::Error),
    /// It has no form in YAML.
    #[error("failed to write a definition as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Every definition, in the order in which they are applied.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![
        ClusterExtension::crd(),
        Extension::crd(),
        Workflow::crd(),
        ExtensionProjection::crd(),
        RunGate::crd(),
    ]
}

/// Name and content of the file of each definition.
///
/// # Errors
/// A definition that has no form in JSON or YAML.
pub fn files() -> Result<Vec<(String, String)>, Error> {
    all()
        .into_iter()
        .map(|definition| {
            let name = format!("{}.yaml", definition.spec.names.plural);
            let mut definition = serde_json::to_value(definition)?;
            unwrap_descriptions(&mut definition);
            let yaml = serde_saphyr::to_string(&definition)?;
            Ok((
                name,
                format!(
                    "# Generated from crates/api by `make crds`. Edit the types there.\n{}\n",
                    yaml.trim_end()
                ),
            ))
        })
        .collect()
}

/// Joins the lines of descriptions: doc comments break them where the source is wide, and
/// `kubectl explain` would break them there again. Paragraphs and lists stay.
pub(crate) fn unwrap_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "description" => *text = unwrap(text),
                    _ => unwrap_descriptions(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        _ => {}
    }
}

fn unwrap(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        let breaks = line.is_empty() || line.starts_with(['-', '*', ' ']);
        if breaks || joined.ends_with('\n') {
            joined.push('\n');
        } else if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}
