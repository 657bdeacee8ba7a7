//! Step two: what the requirements of a step put into its container (design, section 4).
//!
//! Only the places where a container keeps such things are known here: `env`, `args`,
//! `volumeMounts`, and the `volumes` beside it. So a step of a pipeline, a template of another
//! engine and a plain Pod are all the same.

mod expressions;
mod mounts;
mod site;
mod variables;

use extension_registry_core::projection::Layout;
use extension_registry_core::projection::environment::ROOT_VARIABLE;
use extension_registry_core::record::RecordKey;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use serde_json::{Value, json};

pub use site::{Mount, Site};

pub(crate) use expressions::key_of;
use variables::SecretVariable;
pub(crate) use variables::{different_sources, plan};

use crate::check::requirements::{invalid_root, root_path};

/// Root of the bindings where a container does not say (design, section 4).
const DEFAULT_ROOT: &str = "/bindings";

/// A requirement and what it resolved to.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// The requirement.
    pub requirement: &'a Requirement,
    /// Name of the Secret, in the namespace of the container.
    pub secret: &'a str,
    /// The keys of that Secret.
    pub layout: &'a Layout,
    /// The record that was chosen. An entry of the record itself, which all its services share, is
    /// one source, whichever Secret it is read from.
    pub record: &'a RecordKey,
}

/// Where in a container something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A variable of the container.
    Variable(String),
    /// An argument.
    Argument(usize),
    /// A field of the container in which no expression may stand.
    Field(String),
    /// A requirement.
    Requirement(String),
    /// The requirements together.
    Requirements,
}

/// Something wrong in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, and the way out.
    pub refusal: Refusal,
}

impl Fault {
    pub(crate) fn new(place: Place, refusal: Refusal) -> Self {
        Self { place, refusal }
    }
}

/// Gives a container what its requirements resolved to, and replaces `{{ extension… }}` in its
/// variables and arguments. Returns notes: variables left out because of their name, and variables
/// with such names that were mapped on purpose.
///
/// Each requirement is a read-only volume at `$SERVICE_BINDING_ROOT/<requirement>` and a set of
/// variables. All variables are set by `secretKeyRef`; those of the container itself win and stay
/// where they are, behind ours, so that `$(VAR)` in them finds ours.
///
/// `is_reserved` says which normalized paths the engine keeps to itself.
///
/// # Errors
/// Everything that is wrong. The container is then as it was.
pub fn patch(
    site: &mut Site<'_>,
    bounds: &[Bound<'_>],
    is_reserved: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, Vec<Fault>> {
    let mut faults = Vec::new();
    let env = site.list("env");
    let own: Vec<&str> = env.iter().filter_map(name_of).collect();
    let root = root(&env, is_reserved).unwrap_or_else(|refusal| {
        faults.push(Fault::new(
            Place::Variable(ROOT_VARIABLE.to_owned()),
            refusal,
        ));
        DEFAULT_ROOT.to_owned()
    });
    let plan = variables::plan(bounds, &own);
    faults.extend(plan.faults);
    faults.extend(expressions::forbidden(site.container));
    let expressions = expressions::replace(&env, &site.list("args"), bounds, &plan.variables);
    faults.extend(expressions.faults);
    let volumes = mounts::volumes(site, bounds, &root);
    faults.extend(volumes.faults);
    if !faults.is_empty() {
        return Err(faults);
    }

    let mut variables = Vec::new();
    if !bounds.is_empty() && !own.contains(&ROOT_VARIABLE) {
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

/// The folder of the bindings in a container with these variables.
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

fn name_of(variable: &Value) -> Option<&str> {
    variable.get("name").and_then(Value::as_str)
}

fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::new(Reason::Conflict, message, hint)
}
