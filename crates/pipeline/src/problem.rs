//! Problems of workflows.

use std::fmt;

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::refusal::{Reason, Refusal};

/// A refusal and the field that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field: `spec.steps[2].inputs[1].value`.
    pub field: String,
    /// Name of the step, if the field belongs to one.
    pub step: Option<String>,
    /// The refusal.
    pub refusal: Refusal,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, step: Option<&str>, refusal: Refusal) -> Self {
        Self {
            field: field.into(),
            step: step.map(str::to_owned),
            refusal,
        }
    }

    pub(crate) fn invalid(
        field: impl Into<String>,
        step: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(field, step, Refusal::new(Reason::Invalid, message, hint))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(formatter, "step `{step}`, {}: {}", self.field, self.refusal),
            None => write!(formatter, "{}: {}", self.field, self.refusal),
        }
    }
}

impl std::error::Error for Problem {}

impl Explain for Problem {
    fn hints(&self) -> Vec<String> {
        self.refusal.hints()
    }
}

/// Suggests the closest known word, or returns `otherwise`.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    extension_registry_core::suggest::closest(word, known).map_or_else(
        || otherwise.to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// Creates the refusal for an unknown requirement.
pub(crate) fn unknown_requirement<'a>(
    column: usize,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Refusal {
    let all: Vec<String> = known.clone().map(|name| format!("`{name}`")).collect();
    let otherwise = if all.is_empty() {
        "the step has no requirements: add one under `extensions`".to_owned()
    } else {
        format!("available requirements: {}", all.join(", "))
    };
    Refusal::new(
        Reason::UnknownRequirement,
        format!("column {column}: unknown requirement `{name}`"),
        did_you_mean(name, known, &otherwise),
    )
}

/// Creates the refusal for a variable that several requirements set.
pub(crate) fn different_sources(variable: &str, requirements: &[&str]) -> Refusal {
    let names: Vec<String> = requirements
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    conflict(
        format!(
            "requirements {} set `{variable}` from different sources",
            names.join(" and ")
        ),
        format!(
            "rename it with `environment` in all but one of them, or set `{variable}` in `env`"
        ),
    )
}

/// Creates the refusal for a conflict.
pub(crate) fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::new(Reason::Conflict, message, hint)
}
