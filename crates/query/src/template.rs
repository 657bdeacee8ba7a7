//! Templates of records, with parameters for the values that differ between instances of a tool.
//!
//! A placeholder is `${NAME}`, in any text of `spec`. If an optional parameter has no value, its field is removed,
//! and so is the list item that contains the field.

use std::collections::BTreeMap;

use extension_registry_core::diagnostic::{Failure, Note};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::{Result, record};

/// Built-in templates.
const BUILT_IN: [(&str, &str); 7] = [
    ("aws-s3", include_str!("../templates/aws-s3.yaml")),
    ("gitea", include_str!("../templates/gitea.yaml")),
    ("kserve", include_str!("../templates/kserve.yaml")),
    ("minio", include_str!("../templates/minio.yaml")),
    ("mlflow", include_str!("../templates/mlflow.yaml")),
    (
        "oci-registry",
        include_str!("../templates/oci-registry.yaml"),
    ),
    ("seldon-core", include_str!("../templates/seldon-core.yaml")),
];

/// A template of a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Description of the template.
    pub description: String,
    /// Parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    spec: Value,
}

/// A parameter of a template.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    /// Description of the parameter.
    pub description: String,
    /// Example value.
    pub example: Option<String>,
    /// Default value.
    pub default: Option<String>,
    /// Whether the parameter can be omitted.
    #[serde(default)]
    pub optional: bool,
    /// Whether the value is a credential.
    #[serde(default)]
    pub secret: bool,
}

impl Parameter {
    /// Formats the description with the example.
    #[must_use]
    pub fn about(&self) -> String {
        match &self.example {
            Some(example) => format!("{}, e.g. {example}", self.description),
            None => self.description.clone(),
        }
    }
}

/// Replacement of a placeholder: a text, or the fields of the entry whose `value` it is.
pub enum Filling {
    /// Text.
    Text(String),
    /// Fields of an entry.
    Fields(Map<String, Value>),
}

/// Returns the names of the built-in templates.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Returns the text of a built-in template.
#[must_use]
pub fn built_in_text(name: &str) -> Option<&'static str> {
    let found = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    found.map(|(_, text)| *text)
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// If it is invalid, or uses a parameter that it does not define.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, BTreeMap::new())
    }

    /// Parses a template, and adds parameters that it does not define itself.
    ///
    /// # Errors
    /// If it is invalid, or uses a parameter that is not defined.
    pub fn parse_with(text: &str, parameters: BTreeMap<String, Parameter>) -> Result<Self> {
        let mut template: Self =
            serde_saphyr::from_str(text).map_err(|error| Failure::new(error.to_string()))?;
        for (name, parameter) in parameters {
            template.parameters.entry(name).or_insert(parameter);
        }
        let mut unknown = Vec::new();
        visit_texts(&template.spec, &mut |text| {
            let names = placeholders(text).filter(|name| !template.parameters.contains_key(*name));
            unknown.extend(names.map(str::to_owned));
        });
        if unknown.is_empty() {
            return Ok(template);
        }
        let unknown = unknown.join("}`, `${");
        let failure = Failure::new(format!("undefined parameter `${{{unknown}}}`"));
        Err(failure.hint("define it under `parameters`"))
    }

    /// Returns the addresses of endpoints in which this is the only parameter.
    fn addresses(&self, parameter: &str) -> Vec<&str> {
        let mut addresses = Vec::new();
        urls(&self.spec, &mut addresses);
        addresses.retain(|url| placeholders(url).eq([parameter]));
        addresses
    }

    /// Validates the value of a parameter that is the only one in an address. Returns the first problem.
    #[must_use]
    pub fn validate(&self, parameter: &str, value: &str) -> Option<Note> {
        let mut addresses = self.addresses(parameter).into_iter();
        let placeholder = format!("${{{parameter}}}");
        addresses.find_map(|address| validate_url(&address.replace(&placeholder, value)))
    }

    /// Fills in the parameters, and returns the spec of the record. Fields of parameters without a value are removed.
    ///
    /// # Errors
    /// If a credential is used other than as the value of an entry, or nothing is left.
    pub fn fill(self, fillings: &BTreeMap<String, Filling>) -> Result<Value> {
        let spec = fill(self.spec, fillings)?;
        spec.ok_or_else(|| Failure::new("the filled template is empty"))
    }
}

/// Validates the address of an endpoint.
fn validate_url(url: &str) -> Option<Note> {
    let endpoint = json!({"name": "main", "url": url});
    let spec = json!({"services": [{"name": "main", "endpoints": [endpoint]}]});
    let findings = Inventory::check(record::object("main", None, &spec));
    let wrong = findings.into_iter().find(Finding::is_error)?;
    Some(Note::new(wrong.message).hint(wrong.hint))
}

fn urls<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "url" => found.push(text),
                    value => urls(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| urls(item, found)),
        _ => {}
    }
}

/// Fills in a value; None if a parameter has no value.
fn fill(value: Value, fillings: &BTreeMap<String, Filling>) -> Result<Option<Value>> {
    Ok(Some(match value {
        Value::String(text) => {
            let mut filled = text.clone();
            for name in placeholders(&text) {
                match fillings.get(name) {
                    Some(Filling::Text(filling)) => {
                        filled = filled.replace(&format!("${{{name}}}"), filling);
                    }
                    Some(Filling::Fields(_)) => {
                        return Err(Failure::new(format!(
                            "credential `{name}` is allowed only as the `value` of an entry"
                        )));
                    }
                    None => return Ok(None),
                }
            }
            Value::String(filled)
        }
        Value::Array(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                let is_whole = is_whole(&item, fillings);
                filled.extend(fill(item, fillings)?.filter(|_| is_whole));
            }
            if filled.is_empty() {
                return Ok(None);
            }
            Value::Array(filled)
        }
        Value::Object(fields) => {
            let mut filled = Map::new();
            for (name, value) in fields {
                let entry = value
                    .as_str()
                    .and_then(whole)
                    .and_then(|name| fillings.get(name));
                if let Some(Filling::Fields(fields)) = entry
                    && name == "value"
                {
                    filled.extend(fields.clone());
                } else if let Some(value) = fill(value, fillings)? {
                    filled.insert(name, value);
                }
            }
            Value::Object(filled)
        }
        other => other,
    }))
}

/// Returns whether an item has all its fields. A service without endpoints, for example, would be useless.
fn is_whole(item: &Value, fillings: &BTreeMap<String, Filling>) -> bool {
    let Value::Object(fields) = item else {
        return true;
    };
    fields.values().all(|value| match value {
        Value::String(text) => placeholders(text).all(|name| fillings.contains_key(name)),
        Value::Array(items) => items.iter().any(|item| is_whole(item, fillings)),
        _ => true,
    })
}

/// Returns the placeholder that is the whole text.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}')
}

/// Returns the names of the placeholders in a text.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn visit_texts(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| visit_texts(item, visit)),
        Value::Object(fields) => fields.values().for_each(|value| visit_texts(value, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Filling, Template, built_in, built_in_text};

    const TEMPLATE: &str = "description: d
parameters:
  url: {description: u}
  version: {description: v, optional: true}
  ui: {description: i, optional: true}
  key: {description: k, secret: true}
spec:
  version: ${version}
  services:
    - name: api
      endpoints: [{name: main, url: 'https://${url}/x'}]
      credentials: [{name: main, configuration: [{name: KEY, value: '${key}'}]}]
    - name: ui
      endpoints: [{name: main, url: '${ui}'}]
";

    fn fillings(names: &[(&str, &str)]) -> BTreeMap<String, Filling> {
        let text = |text: &str| Filling::Text(text.to_owned());
        let mut fillings: BTreeMap<_, _> = names
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect();
        let fields = [("valueFrom".to_owned(), json!(1))].into_iter().collect();
        fillings.insert("key".to_owned(), Filling::Fields(fields));
        fillings
    }

    #[test]
    fn removes_fields_and_items_of_omitted_parameters() {
        let template = Template::parse(TEMPLATE).unwrap();
        let spec = template.fill(&fillings(&[("url", "a.example")])).unwrap();
        let expected = json!({"services": [{
            "name": "api",
            "endpoints": [{"name": "main", "url": "https://a.example/x"}],
            "credentials": [{"name": "main", "configuration": [{"name": "KEY", "valueFrom": 1}]}],
        }]});
        assert_eq!(spec, expected);
        let template = Template::parse(TEMPLATE).unwrap();
        let all = [("url", "a"), ("version", "1"), ("ui", "b")];
        let spec = template.fill(&fillings(&all)).unwrap();
        assert_eq!(spec["version"], "1");
        assert_eq!(spec["services"][1]["endpoints"][0]["url"], "b");
    }

    #[test]
    fn rejects_placeholder_without_parameter() {
        let text = TEMPLATE.replace("${ui}", "${iu}");
        let error = Template::parse(&text).unwrap_err().to_string();
        assert!(error.contains("undefined parameter `${iu}`"), "{error}");
    }

    #[test]
    fn built_in_templates_are_valid() {
        for name in built_in() {
            Template::parse(built_in_text(name).unwrap()).unwrap();
        }
    }
}
