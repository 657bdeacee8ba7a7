//! Environment variables of a requirement.

use std::fmt::Write;

use crate::projection::{DOCUMENT_KEY, Layout};
use crate::record::Name;
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;
use crate::suggest;

/// Variable with the directory of the bindings (Service Binding specification, "Workload
/// Projection").
pub const ROOT_VARIABLE: &str = "SERVICE_BINDING_ROOT";

/// Variable with the output name of a step.
pub const RESULT_VARIABLE: &str = "TASK_RESULT";

/// Prefix of the input variables of the published step images.
pub const INPUT_PREFIX: &str = "FUSEML_";

/// Variables that execute code or break steps. The only list of them.
const DANGEROUS: [&str; 16] = [
    "PATH",
    "BASH_ENV",
    "ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONBREAKPOINT",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "PYTHONEXECUTABLE",
    "NODE_OPTIONS",
    "JAVA_TOOL_OPTIONS",
    "PERL5OPT",
    "RUBYOPT",
    RESULT_VARIABLE,
];
const DANGEROUS_PREFIXES: [&str; 5] =
    ["LD_", "GIT_SSH", "KUBERNETES_", INPUT_PREFIX, ROOT_VARIABLE];

/// An environment variable set from a key of the projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Name of the variable.
    pub name: Name,
    /// Key of the Secret.
    pub key: Name,
}

/// Environment variables of a step that come from one requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Variables to set, sorted by name.
    pub variables: Vec<Variable>,
    /// Entries that are not set because the variable would execute code or break steps; they are still
    /// available as files.
    pub skipped: Vec<Name>,
}

/// Returns the variables of a requirement: the mapped ones, or every configuration entry with a valid
/// name.
///
/// # Errors
/// `UnknownKey` for a mapping of a key that the choice does not have, `Conflict` for a reserved or
/// duplicate variable. Returns all errors.
pub fn environment(
    requirement: &Requirement,
    layout: &Layout,
) -> Result<Environment, Vec<Refusal>> {
    match &requirement.environment {
        None => Ok(default_environment(layout)),
        Some(mappings) => {
            let mut environment = Environment::default();
            let mut refusals = Vec::new();
            for mapping in mappings {
                match mapped(requirement, layout, &mapping.variable, &mapping.key) {
                    Ok(variable)
                        if environment
                            .variables
                            .iter()
                            .any(|other| other.name == variable.name) =>
                    {
                        refusals.push(Refusal::new(
                            Reason::Conflict,
                            format!(
                                "duplicate variable `{}` in `environment` of requirement `{}`",
                                variable.name, requirement.name
                            ),
                            "remove one of the entries",
                        ));
                    }
                    Ok(variable) => environment.variables.push(variable),
                    Err(refusal) => refusals.push(refusal),
                }
            }
            environment
                .variables
                .sort_by(|left, right| left.name.cmp(&right.name));
            if refusals.is_empty() {
                Ok(environment)
            } else {
                Err(refusals)
            }
        }
    }
}

fn default_environment(layout: &Layout) -> Environment {
    let mut environment = Environment::default();
    for key in layout
        .keys()
        .filter(|key| key.origin.is_configuration() && is_identifier(key.name))
    {
        if is_dangerous(key.name) {
            environment.skipped.push(key.name.clone());
        } else {
            environment.variables.push(Variable {
                name: key.name.clone(),
                key: key.name.clone(),
            });
        }
    }
    environment
}

fn mapped(
    requirement: &Requirement,
    layout: &Layout,
    variable: &Name,
    key: &Name,
) -> Result<Variable, Refusal> {
    if is_reserved(variable) {
        return Err(Refusal::new(
            Reason::Conflict,
            format!(
                "variable `{variable}` in `environment` of requirement `{}` is reserved for the operator",
                requirement.name
            ),
            "choose another variable name",
        ));
    }
    let canonical = if &**key == "url" { "uri" } else { key };
    let found = layout.get(canonical).or_else(|| layout.get(key));
    match found {
        Some(found) if &**found.name != DOCUMENT_KEY => Ok(Variable {
            name: variable.clone(),
            key: found.name.clone(),
        }),
        _ => Err(unknown_key(&requirement.name, layout, key)),
    }
}

/// Creates the refusal for an unknown key, with a suggestion.
#[must_use]
pub fn unknown_key(requirement: &str, layout: &Layout, key: &str) -> Refusal {
    let names = || {
        layout
            .keys()
            .map(|key| &**key.name)
            .filter(|name| *name != DOCUMENT_KEY)
    };
    let hint = match suggest::closest(key, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("available keys: {}", list(names())),
    };
    Refusal::new(
        Reason::UnknownKey,
        format!("requirement `{requirement}` provides no key `{key}`"),
        hint,
    )
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MAX_LISTED: usize = 20;
    let mut quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = quoted.len().saturating_sub(MAX_LISTED);
    quoted.truncate(MAX_LISTED);
    let mut text = quoted.join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// Returns whether a name is a C identifier, and so valid as a variable in every shell.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns whether a variable would execute code or break steps, and so is never set by default.
#[must_use]
pub fn is_dangerous(name: &str) -> bool {
    DANGEROUS.contains(&name)
        || DANGEROUS_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Returns whether the operator sets the variable itself, so that it cannot be mapped.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    name == ROOT_VARIABLE || name == RESULT_VARIABLE || name.starts_with(INPUT_PREFIX)
}
