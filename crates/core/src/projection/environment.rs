//! Which variables a requirement sets.

use crate::projection::{DOCUMENT_KEY, Layout};
use crate::record::Name;
use crate::refusal::{Reason, Refusal};
use crate::requirement::Requirement;
use crate::suggest;

/// Variable that names the folder of the bindings (Service Binding specification, "Workload
/// Projection").
pub const ROOT_VARIABLE: &str = "SERVICE_BINDING_ROOT";

/// Variable that names the output of a step.
pub const RESULT_VARIABLE: &str = "TASK_RESULT";

/// Prefix of the variables that the published step images read.
pub const INPUT_PREFIX: &str = "FUSEML_";

/// Names that run code or break steps when set (security, section 2). This is the only list.
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

/// One variable set from a key of the projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Name of the variable.
    pub name: Name,
    /// Key of the Secret.
    pub key: Name,
}

/// What a requirement does to the environment of its step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Variables to set, sorted by name.
    pub variables: Vec<Variable>,
    /// Entries that are not set because their name runs code or breaks steps; files still hold them.
    pub left_out: Vec<Name>,
}

/// The variables of one requirement: those it maps, or every configuration entry that can be one.
///
/// # Errors
/// `UnknownKey` for a mapping of a key that the choice does not have, `Conflict` for a variable that
/// may not be set or is mapped twice. All of them, not the first.
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
                                "`environment` of requirement `{}` sets `{}` twice",
                                requirement.name, variable.name
                            ),
                            "remove one of the two entries",
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
            environment.left_out.push(key.name.clone());
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
    if is_owned(variable) {
        return Err(Refusal::new(
            Reason::Conflict,
            format!(
                "`environment` of requirement `{}` sets `{variable}`, which the operator sets itself",
                requirement.name
            ),
            "choose another name for the variable",
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

/// The refusal of a key that the choice does not have, with the nearest one it has.
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
        None => format!("it has {}", list(names())),
    };
    Refusal::new(
        Reason::UnknownKey,
        format!("what requirement `{requirement}` resolved to has no key `{key}`"),
        hint,
    )
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = quoted.len().saturating_sub(MOST);
    quoted.truncate(MOST);
    let mut text = quoted.join(", ");
    if more > 0 {
        text.push_str(" and more");
    }
    text
}

/// Whether a name is a C identifier, and so fit for a variable in every shell.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a variable of that name runs code or breaks steps, and so is never set by default.
#[must_use]
pub fn is_dangerous(name: &str) -> bool {
    DANGEROUS.contains(&name)
        || DANGEROUS_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether the operator sets that variable itself, so that nobody may map it.
#[must_use]
pub fn is_owned(name: &str) -> bool {
    name == ROOT_VARIABLE || name == RESULT_VARIABLE || name.starts_with(INPUT_PREFIX)
}
