//! Configuration entries and the type of their values.

use std::borrow::Cow;
use std::fmt;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::{limits, rules};

/// Text that may be a password. It serializes as it is, because the object holds it; `Debug` prints
/// a placeholder, and there is no `Display`.
#[derive(Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
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

// By hand, because a derived schema would put the text above into `kubectl explain`.
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

/// A value that users of the service need. Passwords and keys belong under `credentials`, where they
/// can stay in a Secret and have a scope.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationEntry {
    /// Name of the entry: the file that steps find, and their variable where it can be one. Letters,
    /// digits, `-`, `_` and `.`; `type` and `extension.yaml` are reserved.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    #[x_kube(validation = rules::free_key())]
    pub name: String,

    /// The value, at most 64 KiB. Put quotes around what is not plainly text: `"False"`, `"1.19"`.
    #[schemars(length(max = limits::VALUE))]
    pub value: SecretText,
}
