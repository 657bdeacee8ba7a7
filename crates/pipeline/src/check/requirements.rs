//! Requirements of a step, and the folder in which it finds them.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::workflow::{EnvVar, RequirementSpec, Step, WorkflowSpec};
use extension_registry_core::projection::environment::{ROOT_VARIABLE, is_owned};
use extension_registry_core::refusal::{Reason, Refusal};

use crate::check::step_field;
use crate::engine::Engine;
use crate::names::{input_variable, is_label, is_variable};
use crate::patch::different_sources;
use crate::path;
use crate::problem::Problem;

pub(super) fn check(spec: &WorkflowSpec, engine: &dyn Engine, problems: &mut Vec<Problem>) {
    for (index, step) in spec.steps.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (position, requirement) in step.extensions.iter().enumerate() {
            let field = format!("{}.extensions[{position}]", step_field(index));
            if !is_label(&requirement.name) {
                problems.push(Problem::new(
                    format!("{field}.name"),
                    Some(&step.name),
                    Refusal::new(
                        Reason::InvalidRequirement,
                        format!("`{}` is no DNS label, and the name of a requirement is that of a folder", requirement.name),
                        "use lower-case letters, digits and `-`, at most 63 characters",
                    ),
                ));
            }
            if !seen.insert(&requirement.name) {
                problems.push(Problem::new(
                    format!("{field}.name"),
                    Some(&step.name),
                    Refusal::new(
                        Reason::InvalidRequirement,
                        format!("duplicate requirement `{}`", requirement.name),
                        "rename one of them",
                    ),
                ));
            }
            check_environment(&field, &step.name, requirement, problems);
        }
        check_sources(index, step, problems);
        check_root(index, step, engine, problems);
    }
}

/// What of a mapping needs no resolution: names that the API server refuses. Names that the
/// operator sets itself and names mapped twice are refused here too, so that nobody has to wait
/// for a resolution to hear of them.
fn check_environment(
    field: &str,
    step: &str,
    requirement: &RequirementSpec,
    problems: &mut Vec<Problem>,
) {
    let mut seen = BTreeSet::new();
    for (position, mapping) in requirement.environment.iter().flatten().enumerate() {
        let name = &mapping.name;
        let refusal = if !is_variable(name) {
            Refusal::new(
                Reason::InvalidRequirement,
                format!(
                    "`environment` of requirement `{}` sets a variable whose name Kubernetes refuses",
                    requirement.name
                ),
                "use printable ASCII without `=`",
            )
        } else if is_owned(name) {
            Refusal::new(
                Reason::Conflict,
                format!(
                    "`environment` of requirement `{}` sets `{name}`, which the operator sets itself",
                    requirement.name
                ),
                "choose another name for the variable",
            )
        } else if !seen.insert(name) {
            Refusal::new(
                Reason::Conflict,
                format!(
                    "`environment` of requirement `{}` sets `{name}` twice",
                    requirement.name
                ),
                "remove one of the two entries",
            )
        } else {
            continue;
        };
        problems.push(Problem::new(
            format!("{field}.environment[{position}].name"),
            Some(step),
            refusal,
        ));
    }
}

/// Variables that requirements map from keys of different names: whatever they resolve to, that is
/// not one source. A variable of the step itself wins, and nothing clashes over it.
fn check_sources(index: usize, step: &Step, problems: &mut Vec<Problem>) {
    let mut claims: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for requirement in &step.extensions {
        for mapping in requirement.environment.iter().flatten() {
            let claims = claims.entry(&mapping.name).or_default();
            // A name mapped twice by one requirement is told by itself.
            if claims.iter().all(|(name, _)| *name != requirement.name) {
                let key = match mapping.configuration.as_str() {
                    "url" => "uri",
                    key => key,
                };
                claims.push((&requirement.name, key));
            }
        }
    }
    for (name, claims) in claims {
        let is_own = step.env.iter().any(|variable| variable.name == name)
            || step.inputs.iter().any(|input| {
                let input = input.name.as_deref();
                input.is_some_and(|input| input_variable(input) == name)
            });
        let is_one_key = claims.windows(2).all(|pair| pair[0].1 == pair[1].1);
        if is_own || is_one_key || is_owned(name) || !is_variable(name) {
            continue;
        }
        let names: Vec<&str> = claims.iter().map(|(requirement, _)| *requirement).collect();
        problems.push(Problem::new(
            format!("{}.extensions", step_field(index)),
            Some(&step.name),
            different_sources(name, &names),
        ));
    }
}

fn check_root(index: usize, step: &Step, engine: &dyn Engine, problems: &mut Vec<Problem>) {
    let root = step
        .env
        .iter()
        .enumerate()
        .find(|(_, variable)| variable.name == ROOT_VARIABLE);
    let Some((position, variable)) = root else {
        return;
    };
    if let Err(refusal) = literal_root(variable, engine) {
        let field = format!("{}.env[{position}]", step_field(index));
        problems.push(Problem::new(field, Some(&step.name), refusal));
    }
}

fn literal_root(variable: &EnvVar, engine: &dyn Engine) -> Result<(), Refusal> {
    match (&variable.value, &variable.value_from) {
        (Some(value), None) => root_path(value, |path| engine.is_reserved(path)).map(drop),
        _ => Err(invalid_root()),
    }
}

/// The folder that a value of `SERVICE_BINDING_ROOT` names.
pub(crate) fn root_path(
    value: &str,
    is_reserved: impl Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let path = path::normalize(value)
        .filter(|_| !value.contains("{{") && !value.contains("$$"))
        .ok_or_else(invalid_root)?;
    if is_reserved(&path) {
        return Err(Refusal::new(
            Reason::Invalid,
            format!("nothing can be mounted below `{path}`"),
            format!("choose another folder for `{ROOT_VARIABLE}`"),
        ));
    }
    Ok(path)
}

pub(crate) fn invalid_root() -> Refusal {
    Refusal::new(
        Reason::Invalid,
        format!("`{ROOT_VARIABLE}` has to be an absolute path, written out"),
        "write a path such as `/bindings`, without expressions, `$(…)`, `..` or `:`",
    )
}
