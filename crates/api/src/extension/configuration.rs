//! Configuration entries and their values.

use std::borrow::Cow;
use std::fmt;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::{limits, rules};

/// Text that may be a password. It is serialized in plain text as part of its object; `Debug` prints
/// a placeholder, and it has no `Display`.
#[derive(Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a string.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

// Not derived, because a derived schema would include the doc comment of the type in `kubectl explain`.
impl JsonSchema for SecretText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// A value that clients of the service require. Store passwords and keys under `credentials` instead,
/// where they can come from a Secret and have a scope.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationEntry {
    /// Name of the entry: the name of its file and, if it is a valid variable name, of its environment
    /// variable in steps. Letters, digits, `-`, `_` and `.`; `type` and `extension.yaml` are reserved.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    #[x_kube(validation = rules::free_key())]
    pub name: String,

    /// Value, at most 64 KiB. Quote values that YAML would not parse as strings: `"False"`, `"1.19"`.
    #[schemars(length(max = limits::VALUE))]
    pub value: SecretText,
}
