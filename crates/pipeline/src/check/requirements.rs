//! Checks the requirements of steps, and the directory of their bindings.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::requirement::RequirementSpec;
use extension_registry_api::workflow::{EnvVar, Step, WorkflowSpec};
use extension_registry_core::projection::environment::{ROOT_VARIABLE, is_reserved};
use extension_registry_core::refusal::{Reason, Refusal};

use crate::engine::Engine;
use crate::names::{input_variable, is_label, is_variable};
use crate::path::{invalid_root, root_path};
use crate::problem::{Problem, different_sources};
use crate::spec::step_field;

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
                        format!(
                            "invalid requirement name `{}`: must be a DNS label",
                            requirement.name
                        ),
                        "use lowercase letters, digits and `-`, at most 63 characters",
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

/// Checks mappings without resolution: variable names that the API server rejects, reserved variables
/// and duplicates.
fn check_environment(
    field: &str,
    step: &str,
    requirement: &RequirementSpec,
    problems: &mut Vec<Problem>,
) {
    let mut seen = BTreeSet::new();
    for (position, mapping) in requirement
        .requirement
        .environment
        .iter()
        .flatten()
        .enumerate()
    {
        let name = &mapping.name;
        let refusal = if !is_variable(name) {
            Refusal::new(
                Reason::InvalidRequirement,
                format!(
                    "invalid variable name in `environment` of requirement `{}`",
                    requirement.name
                ),
                "use printable ASCII without `=`",
            )
        } else if is_reserved(name) {
            Refusal::new(
                Reason::Conflict,
                format!(
                    "variable `{name}` in `environment` of requirement `{}` is reserved for the operator",
                    requirement.name
                ),
                "choose another variable name",
            )
        } else if !seen.insert(name) {
            Refusal::new(
                Reason::Conflict,
                format!(
                    "duplicate variable `{name}` in `environment` of requirement `{}`",
                    requirement.name
                ),
                "remove one of the entries",
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

/// Checks for variables that requirements map from keys with different names, which are different sources
/// however they resolve. A variable of the step itself takes precedence and is not a conflict.
fn check_sources(index: usize, step: &Step, problems: &mut Vec<Problem>) {
    let mut claims: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for requirement in &step.extensions {
        for mapping in requirement.requirement.environment.iter().flatten() {
            let claims = claims.entry(&mapping.name).or_default();
            // Duplicates within one requirement are reported separately.
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
        if is_own || is_one_key || is_reserved(name) || !is_variable(name) {
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
