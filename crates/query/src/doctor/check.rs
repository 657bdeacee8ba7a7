//! A check and its result.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use schemars::JsonSchema;
use serde::Serialize;

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The check passed.
    Ok,
    /// The result is unknown, or no problem by itself.
    Unknown,
    /// The check failed: the registry cannot work.
    Bad,
}

/// A check and its result.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Check {
    pub name: String,
    pub verdict: Verdict,
    pub detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl Check {
    pub(super) fn new(name: &str, verdict: Verdict, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            detail: detail.into(),
            hint: hint.to_owned(),
        }
    }
}

#[derive(JsonSchema, Serialize)]
pub struct Checks {
    pub checks: Vec<Check>,
}

impl Checks {
    /// Returns whether a check failed.
    #[must_use]
    pub fn are_bad(&self) -> bool {
        self.checks
            .iter()
            .any(|check| check.verdict == Verdict::Bad)
    }
}
