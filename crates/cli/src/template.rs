//! Templates of records: what is the same for every instance of a tool, with parameters for the rest.
//!
//! A placeholder is `${NAME}`, in any text of `spec`. A parameter that is optional and was not given takes
//! its field with it; a list loses the item that has such a field in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use extension_registry_core::suggest;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::packages;

/// Those that come with the program.
const SHIPPED: [(&str, &str); 7] = [
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

/// What stands before the name of a package that has a template.
pub(crate) const PACKAGE: &str = "package:";

/// A template of a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Template {
    /// What it is a template of.
    pub(crate) description: String,
    /// What has to be filled in, by name.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    spec: Value,
}

/// Something to fill in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Parameter {
    /// What it is.
    pub(crate) description: String,
    /// How it may look.
    pub(crate) example: Option<String>,
    /// What it is where nobody says.
    pub(crate) default: Option<String>,
    /// Whether the record does without.
    #[serde(default)]
    pub(crate) optional: bool,
    /// Whether it is a credential.
    #[serde(default)]
    pub(crate) secret: bool,
}

impl Parameter {
    /// What it is and how it may look.
    pub(crate) fn about(&self) -> String {
        match &self.example {
            Some(example) => format!("{}, like {example}", self.description),
            None => self.description.clone(),
        }
    }
}

/// What a placeholder becomes: text, or the fields of the entry whose `value` it was.
pub(crate) enum Filling {
    Text(String),
    Fields(Map<String, Value>),
}

/// Names of the templates that come with the program.
pub(crate) fn shipped() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// The text of a template that comes with the program.
pub(crate) fn shipped_text(name: &str) -> Result<&'static str> {
    let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
    found.map(|(_, text)| *text).with_context(|| {
        let names: Vec<&str> = shipped().collect();
        format!(
            "no template `{name}` comes with the program; hint: there are {}",
            names.join(", ")
        )
    })
}

impl Template {
    /// One of those that come with the program, or one of a file.
    pub(crate) fn find(name: &str) -> Result<Self> {
        if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            return Self::parse(text).with_context(|| format!("template `{name}`"));
        }
        if let Some(reference) = name.strip_prefix(PACKAGE) {
            let found = packages::template(reference)?;
            let parse = Self::parse_with(&found.text, found.parameters);
            return parse.with_context(|| format!("template {}", found.title));
        }
        let extension = Path::new(name).extension();
        let is_yaml = extension.is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml || name.contains('/') {
            let text =
                fs::read_to_string(name).with_context(|| format!("failed to read {name}"))?;
            return Self::parse(&text).with_context(|| format!("template {name}"));
        }
        let hint = match suggest::closest(name, shipped()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "there are {}; or name a file, or a package: {PACKAGE}NAME",
                shipped().collect::<Vec<_>>().join(", ")
            ),
        };
        bail!("no template `{name}`; hint: {hint}")
    }

    fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, BTreeMap::new())
    }

    /// Reads a template. What it does not say of its parameters is taken from elsewhere.
    fn parse_with(text: &str, parameters: BTreeMap<String, Parameter>) -> Result<Self> {
        let mut template: Self = serde_saphyr::from_str(text)?;
        for (name, parameter) in parameters {
            template.parameters.entry(name).or_insert(parameter);
        }
        let mut unknown = Vec::new();
        texts(&template.spec, &mut |text| {
            let names = placeholders(text).filter(|name| !template.parameters.contains_key(*name));
            unknown.extend(names.map(str::to_owned));
        });
        ensure!(
            unknown.is_empty(),
            "`${{{}}}` is no parameter of it; hint: add it under `parameters`",
            unknown.join("}`, `${")
        );
        Ok(template)
    }

    /// The addresses of endpoints that a parameter stands in, and no other does.
    pub(crate) fn addresses(&self, parameter: &str) -> Vec<&str> {
        let mut addresses = Vec::new();
        urls(&self.spec, &mut addresses);
        addresses.retain(|url| placeholders(url).eq([parameter]));
        addresses
    }

    /// The spec of a record, with what is filled in. Parameters without a filling are left out.
    pub(crate) fn fill(self, fillings: &BTreeMap<String, Filling>) -> Result<Value> {
        fill(self.spec, fillings)?.context("nothing is left of the template")
    }
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

/// None, where a parameter is missing.
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
                        bail!("credential `{name}` stands where no `value` of an entry is")
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

/// Whether an item has all its own fields. One that lost its endpoints is no service anybody reaches.
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

/// The placeholder that is the whole text.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}')
}

/// Names of the placeholders in a text.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn texts(value: &Value, show: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => show(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, show)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, show)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Filling, Template, shipped};

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
    fn what_is_optional_takes_its_field_and_its_item_along() {
        let template = Template::parse(TEMPLATE).unwrap();
        let spec = template.fill(&fillings(&[("url", "a.example")])).unwrap();
        let wanted = json!({"services": [{
            "name": "api",
            "endpoints": [{"name": "main", "url": "https://a.example/x"}],
            "credentials": [{"name": "main", "configuration": [{"name": "KEY", "valueFrom": 1}]}],
        }]});
        assert_eq!(spec, wanted);
        let template = Template::parse(TEMPLATE).unwrap();
        let all = [("url", "a"), ("version", "1"), ("ui", "b")];
        let spec = template.fill(&fillings(&all)).unwrap();
        assert_eq!(spec["version"], "1");
        assert_eq!(spec["services"][1]["endpoints"][0]["url"], "b");
    }

    #[test]
    fn placeholders_without_a_parameter_are_refused() {
        let text = TEMPLATE.replace("${ui}", "${iu}");
        let error = Template::parse(&text).unwrap_err().to_string();
        assert!(error.contains("`${iu}` is no parameter"), "{error}");
    }

    #[test]
    fn all_that_come_with_the_program_can_be_read() {
        for name in shipped() {
            Template::find(name).unwrap();
        }
    }
}
