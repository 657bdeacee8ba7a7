//! Reads fields of a parsed file by their types. Errors name the field and never quote its value, which may be secret.

use extension_registry_core::diagnostic::Failure;
use serde_json::{Map, Value};

/// A mapping and its path in the file.
pub(crate) struct Fields<'v> {
    path: String,
    map: Option<&'v Map<String, Value>>,
}

/// Returns the name of the type of a value, as users know it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn wrong(path: &str, expected: &str, value: &Value) -> Failure {
    let failure = Failure::new(format!(
        "field `{path}` must be {expected}, not {}",
        kind(value)
    ));
    match value {
        Value::Bool(_) | Value::Number(_) if expected == "a string" => {
            failure.hint("put the value in quotes")
        }
        _ => failure,
    }
}

impl<'v> Fields<'v> {
    /// Reads a mapping; null counts as an empty one.
    pub(crate) fn new(path: impl Into<String>, value: &'v Value) -> Result<Self, Failure> {
        let path = path.into();
        match value {
            Value::Null => Ok(Self { path, map: None }),
            Value::Object(map) => Ok(Self {
                path,
                map: Some(map),
            }),
            value => Err(wrong(&path, "a mapping", value)),
        }
    }

    /// Returns the path of a field: `users[0].user.token`.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns a string; a missing field counts as an empty one.
    pub(crate) fn text(&self, name: &str) -> Result<String, Failure> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value) => Err(wrong(&self.path(name), "a string", value)),
        }
    }

    /// Returns a boolean; a missing field counts as false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(value) => Err(wrong(&self.path(name), "`true` or `false`", value)),
        }
    }

    /// Returns the items of a list with their paths.
    pub(crate) fn items(&self, name: &str) -> Result<Vec<(String, &'v Value)>, Failure> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let items = items.iter().enumerate();
                let path = self.path(name);
                Ok(items
                    .map(|(index, item)| (format!("{path}[{index}]"), item))
                    .collect())
            }
            Some(value) => Err(wrong(&self.path(name), "a list", value)),
        }
    }

    /// Returns the strings of a list.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let items = self.items(name)?;
        let texts = items.into_iter().map(|(path, item)| match item {
            Value::String(text) => Ok(text.clone()),
            value => Err(wrong(&path, "a string", value)),
        });
        texts.collect()
    }

    /// Returns a mapping; a missing one is empty.
    pub(crate) fn fields(&self, name: &str) -> Result<Self, Failure> {
        Self::new(self.path(name), self.get(name).unwrap_or(&Value::Null))
    }

    /// Returns a field as it is.
    pub(crate) fn value(&self, name: &str) -> Option<&'v Value> {
        self.get(name)
    }

    /// Returns the names of the fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'v String> {
        self.map.into_iter().flat_map(Map::keys)
    }
}
