//! Expressions of extensions in the variables and arguments of a container.
//!
//! Values are never written into a text. A variable that consists of one expression becomes a
//! reference to the Secret. In other text, and in arguments, a helper variable contains the value
//! and the text contains `$(HELPER)`, which Kubernetes expands exactly once.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::expression::{Segment, Template, canonical_key};
use extension_registry_core::projection::environment::unknown_key;
use extension_registry_core::projection::{DOCUMENT_KEY, Layout};
use extension_registry_core::refusal::{Reason, Refusal};
use serde_json::{Map, Value, json};

use crate::expansion::Expansion;
use crate::names::{unique, variable_part};
use crate::patch::binding::{Location, PatchError, ServiceBinding, name_of};
use crate::patch::variables::{SecretVariable, source};
use crate::problem::unknown_requirement;

/// Variables and arguments with replaced expressions.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    pub(super) helpers: Vec<Value>,
    pub(super) env: Vec<Value>,
    pub(super) args: Vec<Value>,
    pub(super) errors: Vec<PatchError>,
}

/// Returns the key of the Secret that an expression references.
pub(crate) fn key_of(
    requirement: &str,
    layout: &Layout,
    key: &str,
    configuration_only: bool,
    column: usize,
) -> Result<String, Refusal> {
    let found = if configuration_only {
        layout
            .get(key)
            .filter(|found| found.origin.is_configuration())
    } else {
        layout.get(canonical_key(key)).or_else(|| layout.get(key))
    };
    match found {
        Some(found) if found.name.as_ref() != DOCUMENT_KEY => Ok(found.name.to_string()),
        _ if configuration_only && layout.get(canonical_key(key)).is_some() => Err(Refusal::new(
            Reason::UnknownKey,
            format!(
                "column {column}: requirement `{requirement}` provides no configuration entry `{key}`"
            ),
            format!("use `{{{{ extension.{requirement}.{key} }}}}`"),
        )),
        _ => {
            let Refusal {
                reason,
                message,
                hint,
            } = unknown_key(requirement, layout, key);
            Err(Refusal::new(
                reason,
                format!("column {column}: {message}"),
                hint,
            ))
        }
    }
}

/// A reference to a key: index of the requirement, and name of the key.
type Reference = (usize, String);

/// Fields of a container in which expressions are not replaced.
const FORBIDDEN: [&str; 4] = ["image", "command", "script", "workingDir"];

/// Finds expressions of extensions in fields that do not allow them.
pub(super) fn forbidden(container: &Map<String, Value>) -> Vec<PatchError> {
    let texts = FORBIDDEN.iter().flat_map(|field| {
        let value = container.get(*field);
        let list = value.and_then(Value::as_array).into_iter().flatten();
        value
            .into_iter()
            .chain(list)
            .filter_map(Value::as_str)
            .map(move |text| (*field, text))
    });
    texts
        .filter_map(|(field, text)| {
            let column = Template::parse(text)
                .ok()?
                .segments
                .iter()
                .find_map(|segment| match segment {
                    Segment::Extension { column, .. } => Some(*column),
                    _ => None,
                })?;
            let message =
                format!("column {column}: `extension` expressions are not allowed in `{field}`");
            let refusal = Refusal::new(Reason::Invalid, message, "use `args` or `env`");
            Some(PatchError::new(Location::Field(field.to_owned()), refusal))
        })
        .collect()
}

/// Replaces all expressions. With errors, the rest of the result is invalid.
pub(super) fn replace(
    env: &[Value],
    args: &[Value],
    bindings: &[ServiceBinding<'_>],
    set: &[SecretVariable],
) -> Replaced {
    let mut errors = Vec::new();
    let mut references: BTreeSet<(&str, Reference)> = BTreeSet::new();
    let values = || {
        env.iter()
            .filter_map(|variable| Some((name_of(variable)?, variable.get("value")?.as_str()?)))
    };
    let texts = values()
        .map(|(name, text)| (Location::Variable(name.to_owned()), text, false))
        .chain(arguments(args).map(|(index, text)| (Location::Argument(index), text, true)));
    for (location, text, is_argument) in texts {
        match Template::parse(text) {
            Ok(template) => {
                let is_whole = template.whole().is_some() && !is_argument;
                for segment in &template.segments {
                    match reference(segment, bindings) {
                        Some(Ok(found)) if !is_whole => {
                            let requirement = bindings
                                .get(found.0)
                                .map_or("", |binding| &*binding.requirement.name);
                            references.insert((requirement, found));
                        }
                        Some(Err(refusal)) => {
                            errors.push(PatchError::new(location.clone(), refusal));
                        }
                        _ => {}
                    }
                }
            }
            Err(syntax_errors) => errors.extend(syntax_errors.into_iter().map(|error| {
                let message = format!("column {}: {}", error.column, error.message);
                PatchError::new(
                    location.clone(),
                    Refusal::new(Reason::Invalid, message, error.hint.unwrap_or_default()),
                )
            })),
        }
    }
    let helpers = name_helpers(references, env, args, set);
    let source_of = |(index, key): &Reference| {
        bindings
            .get(*index)
            .map(|binding| source(binding.secret, key))
    };
    Replaced {
        env: env
            .iter()
            .map(|variable| replace_variable(variable, bindings, &helpers))
            .collect(),
        args: args
            .iter()
            .map(|argument| {
                argument
                    .as_str()
                    .and_then(|text| woven(text, bindings, &helpers))
                    .map_or_else(|| argument.clone(), Value::String)
            })
            .collect(),
        helpers: in_order(&helpers)
            .into_iter()
            .filter_map(|(name, reference)| {
                Some(json!({"name": name, "valueFrom": source_of(reference)?}))
            })
            .collect(),
        errors,
    }
}

fn arguments(args: &[Value]) -> impl Iterator<Item = (usize, &str)> {
    args.iter()
        .enumerate()
        .filter_map(|(index, argument)| Some((index, argument.as_str()?)))
}

fn in_order(helpers: &BTreeMap<Reference, String>) -> Vec<(&str, &Reference)> {
    let mut sorted: Vec<_> = helpers
        .iter()
        .map(|(reference, name)| (name.as_str(), reference))
        .collect();
    sorted.sort();
    sorted
}

fn reference(
    segment: &Segment<'_>,
    bindings: &[ServiceBinding<'_>],
) -> Option<Result<Reference, Refusal>> {
    let Segment::Extension {
        requirement,
        key,
        configuration_only,
        column,
    } = *segment
    else {
        return None;
    };
    let names = || bindings.iter().map(|binding| &*binding.requirement.name);
    let Some(index) = names().position(|name| name == requirement) else {
        return Some(Err(unknown_requirement(
            column,
            requirement,
            bindings.iter().map(|binding| &*binding.requirement.name),
        )));
    };
    let layout = bindings.get(index)?.layout;
    Some(key_of(requirement, layout, key, configuration_only, column).map(|key| (index, key)))
}

/// Chooses names that are unused in the container and that its texts do not mention: there, `$(NAME)` is
/// literal text as long as the variable does not exist.
fn name_helpers(
    references: BTreeSet<(&str, Reference)>,
    env: &[Value],
    args: &[Value],
    set: &[SecretVariable],
) -> BTreeMap<Reference, String> {
    let mut used: BTreeSet<String> = env.iter().filter_map(name_of).map(str::to_owned).collect();
    used.extend(set.iter().map(|variable| variable.name.clone()));
    let own = env
        .iter()
        .filter_map(|variable| variable.get("value")?.as_str());
    let texts: Vec<&str> = own.chain(args.iter().filter_map(Value::as_str)).collect();
    let mut helpers = BTreeMap::new();
    for (requirement, reference) in references {
        let base = format!(
            "EXT_{}_{}",
            variable_part(requirement),
            variable_part(&reference.1)
        );
        let name = unique(&base, '_', usize::MAX, |candidate| {
            used.contains(candidate)
                || texts
                    .iter()
                    .any(|text| text.contains(&format!("$({candidate})")))
        });
        used.insert(name.clone());
        helpers.insert(reference, name);
    }
    helpers
}

fn replace_variable(
    variable: &Value,
    bindings: &[ServiceBinding<'_>],
    helpers: &BTreeMap<Reference, String>,
) -> Value {
    let mut variable = variable.clone();
    let Some(object) = variable.as_object_mut() else {
        return variable;
    };
    let Some(text) = object
        .get("value")
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        return variable;
    };
    let Ok(template) = Template::parse(&text) else {
        return variable;
    };
    if let Some(Ok((index, key))) = template
        .whole()
        .and_then(|segment| reference(segment, bindings))
    {
        if let Some(binding) = bindings.get(index) {
            object.remove("value");
            object.insert("valueFrom".to_owned(), source(binding.secret, &key));
        }
    } else if let Some(text) = woven(&text, bindings, helpers) {
        object.insert("value".to_owned(), Value::String(text));
    }
    variable
}

/// Returns the text with its helper variables; `None` if it contains no expression to replace.
fn woven(
    text: &str,
    bindings: &[ServiceBinding<'_>],
    helpers: &BTreeMap<Reference, String>,
) -> Option<String> {
    let template = Template::parse(text).ok()?;
    let mut expansion = Expansion::default();
    let mut has_helpers = false;
    for (segment, source) in template.segments.iter().zip(template.sources()) {
        let helper = reference(segment, bindings)
            .and_then(Result::ok)
            .and_then(|found| helpers.get(&found));
        match helper {
            Some(helper) => {
                has_helpers = true;
                expansion.reference(helper);
            }
            None => expansion.text(source),
        }
    }
    has_helpers.then(|| expansion.finish())
}
