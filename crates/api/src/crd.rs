//! CustomResourceDefinitions of all kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::binding::ExtensionBinding;
use crate::kinds::{ClusterExtension, Extension};
use crate::projection::ExtensionProjection;
use crate::run_gate::RunGate;
use crate::workflow::Workflow;

/// Error when serializing a definition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Serialization to JSON failed.
    #[error("failed to serialize a CustomResourceDefinition as JSON")]
    Json(#[from] serde_json::Error),
    /// Serialization to YAML failed.
    #[error("failed to serialize a CustomResourceDefinition as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Returns every definition, in the order in which to apply them.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![
        ClusterExtension::crd(),
        Extension::crd(),
        Workflow::crd(),
        ExtensionBinding::crd(),
        ExtensionProjection::crd(),
        RunGate::crd(),
    ]
}

/// Returns the file name and content of each definition.
///
/// # Errors
/// Returns an error if serialization fails.
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

/// Joins the lines of descriptions, which come from wrapped doc comments and would be wrapped again
/// by `kubectl explain`. Paragraphs and lists are preserved.
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
