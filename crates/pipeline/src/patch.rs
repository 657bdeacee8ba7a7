//! Second phase: adds the bindings of a step to its container.
//!
//! It relies only on the fields `env`, `args` and `volumeMounts` of a container, and the `volumes` next to
//! it. So it works for a step of a pipeline, a template of another engine, and a plain Pod.

mod binding;
mod expressions;
mod mounts;
mod site;
mod variables;

use extension_registry_core::projection::environment::ROOT_VARIABLE;
use extension_registry_core::refusal::Refusal;
use serde_json::{Value, json};

use binding::name_of;
pub use binding::{Location, PatchError, ServiceBinding};
pub(crate) use expressions::key_of;
pub use site::{Mount, Site};
use variables::SecretVariable;
pub(crate) use variables::plan;

use crate::path::{invalid_root, root_path};

/// Default directory of the bindings.
const DEFAULT_ROOT: &str = "/bindings";

/// Adds the bindings of a container, and replaces `{{ extension… }}` in its variables and arguments.
/// Returns warnings: variables that are skipped because of their name, and mapped variables with such
/// names.
///
/// Each requirement becomes a read-only volume at `$SERVICE_BINDING_ROOT/<requirement>` and a set of
/// variables. All variables use `secretKeyRef`. Variables of the container take precedence and
/// follow the added ones, so that `$(VAR)` in them can reference these.
///
/// `is_reserved` returns whether the engine reserves a normalized path.
///
/// # Errors
/// Returns all errors. The container is unchanged then.
pub fn patch(
    site: &mut Site<'_>,
    bindings: &[ServiceBinding<'_>],
    is_reserved: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, Vec<PatchError>> {
    let mut errors = Vec::new();
    let env = site.list("env");
    let own: Vec<&str> = env.iter().filter_map(name_of).collect();
    let root = root(&env, is_reserved).unwrap_or_else(|refusal| {
        errors.push(PatchError::new(
            Location::Variable(ROOT_VARIABLE.to_owned()),
            refusal,
        ));
        DEFAULT_ROOT.to_owned()
    });
    let plan = variables::plan(bindings, &own);
    errors.extend(plan.errors);
    errors.extend(expressions::forbidden(site.container));
    let expressions = expressions::replace(&env, &site.list("args"), bindings, &plan.variables);
    errors.extend(expressions.errors);
    let volumes = mounts::volumes(site, bindings, &root);
    errors.extend(volumes.errors);
    if !errors.is_empty() {
        return Err(errors);
    }

    let mut variables = Vec::new();
    if !bindings.is_empty() && !own.contains(&ROOT_VARIABLE) {
        variables.push(json!({"name": ROOT_VARIABLE, "value": DEFAULT_ROOT}));
    }
    variables.extend(plan.variables.iter().map(SecretVariable::to_json));
    variables.extend(expressions.helpers);
    variables.extend(expressions.env);
    site.set("env", variables);
    site.set("args", expressions.args);
    site.extend("volumeMounts", volumes.mounts);
    site.volumes.extend(volumes.volumes);
    Ok(plan.notes)
}

/// Returns the directory of the bindings in a container with these variables.
fn root(env: &[Value], is_reserved: &dyn Fn(&str) -> bool) -> Result<String, Refusal> {
    let Some(variable) = env
        .iter()
        .rev()
        .find(|variable| name_of(variable) == Some(ROOT_VARIABLE))
    else {
        return Ok(DEFAULT_ROOT.to_owned());
    };
    match (
        variable.get("value").and_then(Value::as_str),
        variable.get("valueFrom"),
    ) {
        (Some(value), None) => root_path(value, is_reserved),
        _ => Err(invalid_root()),
    }
}
