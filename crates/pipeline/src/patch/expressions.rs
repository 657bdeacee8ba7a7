//! Expressions of extensions in the variables and arguments of a container.
//!
//! A value is never written into a text. A variable that is nothing but an expression becomes a
//! reference to the Secret. Inside other text, and in arguments, a helper variable holds the value
//! and `$(HELPER)` stands in the text; Kubernetes fills it in once and never looks at it again.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::expression::{Segment, Template, canonical_key};
use extension_registry_core::projection::environment::unknown_key;
use extension_registry_core::projection::{DOCUMENT_KEY, Layout};
use extension_registry_core::refusal::{Reason, Refusal};
use serde_json::{Map, Value, json};

use crate::check::references::unknown_requirement;
use crate::expansion::Expansion;
use crate::names::{unique, variable_part};
use crate::patch::variables::{SecretVariable, source};
use crate::patch::{Bound, Fault, Place, name_of};

/// The variables and arguments with their expressions replaced.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    pub(super) helpers: Vec<Value>,
    pub(super) env: Vec<Value>,
    pub(super) args: Vec<Value>,
    pub(super) faults: Vec<Fault>,
}

/// The key of the Secret that an expression means, or why there is none.
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
                "column {column}: `{key}` is no configuration entry of what requirement `{requirement}` resolved to"
            ),
            format!("write `{{{{ extension.{requirement}.{key} }}}}`"),
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

/// A key of a requirement: index of the requirement, and name of the key.
type Reference = (usize, String);

/// Fields of a container in which an expression would be read by nobody.
const FORBIDDEN: [&str; 4] = ["image", "command", "script", "workingDir"];

/// Expressions of extensions where none may stand.
pub(super) fn forbidden(container: &Map<String, Value>) -> Vec<Fault> {
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
                format!("column {column}: an expression of `extension` cannot stand in `{field}`");
            let refusal = Refusal::new(Reason::Invalid, message, "use `args` or `env`");
            Some(Fault::new(Place::Field(field.to_owned()), refusal))
        })
        .collect()
}

/// Replaces all expressions. With faults the rest is of no use.
pub(super) fn replace(
    env: &[Value],
    args: &[Value],
    bounds: &[Bound<'_>],
    set: &[SecretVariable],
) -> Replaced {
    let mut faults = Vec::new();
    let mut wanted: BTreeSet<(&str, Reference)> = BTreeSet::new();
    let values = || {
        env.iter()
            .filter_map(|variable| Some((name_of(variable)?, variable.get("value")?.as_str()?)))
    };
    let texts = values()
        .map(|(name, text)| (Place::Variable(name.to_owned()), text, false))
        .chain(arguments(args).map(|(index, text)| (Place::Argument(index), text, true)));
    for (place, text, is_argument) in texts {
        match Template::parse(text) {
            Ok(template) => {
                let is_whole = template.whole().is_some() && !is_argument;
                for segment in &template.segments {
                    match reference(segment, bounds) {
                        Some(Ok(found)) if !is_whole => {
                            let requirement = bounds
                                .get(found.0)
                                .map_or("", |bound| &*bound.requirement.name);
                            wanted.insert((requirement, found));
                        }
                        Some(Err(refusal)) => faults.push(Fault::new(place.clone(), refusal)),
                        _ => {}
                    }
                }
            }
            Err(errors) => faults.extend(errors.into_iter().map(|error| {
                let message = format!("column {}: {}", error.column, error.message);
                Fault::new(
                    place.clone(),
                    Refusal::new(Reason::Invalid, message, error.hint.unwrap_or_default()),
                )
            })),
        }
    }
    let helpers = name_helpers(wanted, env, args, set);
    let source_of =
        |(index, key): &Reference| bounds.get(*index).map(|bound| source(bound.secret, key));
    Replaced {
        env: env
            .iter()
            .map(|variable| replace_variable(variable, bounds, &helpers))
            .collect(),
        args: args
            .iter()
            .map(|argument| {
                argument
                    .as_str()
                    .and_then(|text| woven(text, bounds, &helpers))
                    .map_or_else(|| argument.clone(), Value::String)
            })
            .collect(),
        helpers: in_order(&helpers)
            .into_iter()
            .filter_map(|(name, reference)| {
                Some(json!({"name": name, "valueFrom": source_of(reference)?}))
            })
            .collect(),
        faults,
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

fn reference(segment: &Segment<'_>, bounds: &[Bound<'_>]) -> Option<Result<Reference, Refusal>> {
    let Segment::Extension {
        requirement,
        key,
        configuration_only,
        column,
    } = *segment
    else {
        return None;
    };
    let names = || bounds.iter().map(|bound| &*bound.requirement.name);
    let Some(index) = names().position(|name| name == requirement) else {
        return Some(Err(unknown_requirement(
            column,
            requirement,
            bounds.iter().map(|bound| &*bound.requirement.name),
        )));
    };
    let layout = bounds.get(index)?.layout;
    Some(key_of(requirement, layout, key, configuration_only, column).map(|key| (index, key)))
}

/// Names that nothing else in the container has, and that its own texts do not mention: there
/// `$(NAME)` is just text as long as there is no such variable.
fn name_helpers(
    wanted: BTreeSet<(&str, Reference)>,
    env: &[Value],
    args: &[Value],
    set: &[SecretVariable],
) -> BTreeMap<Reference, String> {
    let mut taken: BTreeSet<String> = env.iter().filter_map(name_of).map(str::to_owned).collect();
    taken.extend(set.iter().map(|variable| variable.name.clone()));
    let own = env
        .iter()
        .filter_map(|variable| variable.get("value")?.as_str());
    let texts: Vec<&str> = own.chain(args.iter().filter_map(Value::as_str)).collect();
    let mut helpers = BTreeMap::new();
    for (requirement, reference) in wanted {
        let base = format!(
            "EXT_{}_{}",
            variable_part(requirement),
            variable_part(&reference.1)
        );
        let name = unique(&base, '_', usize::MAX, |candidate| {
            taken.contains(candidate)
                || texts
                    .iter()
                    .any(|text| text.contains(&format!("$({candidate})")))
        });
        taken.insert(name.clone());
        helpers.insert(reference, name);
    }
    helpers
}

fn replace_variable(
    variable: &Value,
    bounds: &[Bound<'_>],
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
        .and_then(|segment| reference(segment, bounds))
    {
        if let Some(bound) = bounds.get(index) {
            object.remove("value");
            object.insert("valueFrom".to_owned(), source(bound.secret, &key));
        }
    } else if let Some(text) = woven(&text, bounds, helpers) {
        object.insert("value".to_owned(), Value::String(text));
    }
    variable
}

/// The text with its helpers; nothing where it has no expression of ours.
fn woven(
    text: &str,
    bounds: &[Bound<'_>],
    helpers: &BTreeMap<Reference, String>,
) -> Option<String> {
    let template = Template::parse(text).ok()?;
    let mut expansion = Expansion::default();
    let mut has_helpers = false;
    for (segment, source) in template.segments.iter().zip(template.sources()) {
        let helper = reference(segment, bounds)
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
