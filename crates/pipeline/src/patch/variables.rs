//! Variables that requirements set.

use std::collections::BTreeMap;

use extension_registry_core::projection::Origin;
use extension_registry_core::projection::environment::{environment, is_dangerous};
use serde_json::{Value, json};

use crate::patch::binding::{Location, PatchError, ServiceBinding};
use crate::problem::different_sources;

/// A variable set from a key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretVariable {
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) key: String,
}

impl SecretVariable {
    pub(crate) fn to_json(&self) -> Value {
        json!({"name": self.name, "valueFrom": source(&self.secret, &self.key)})
    }
}

/// Returns `valueFrom` for a key. Neither Secret nor key is optional, because a step without its
/// requirements would fail later and less clearly.
pub(crate) fn source(secret: &str, key: &str) -> Value {
    json!({"secretKeyRef": {"name": secret, "key": key}})
}

/// Variables to add to a container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Sorted by name.
    pub(crate) variables: Vec<SecretVariable>,
    pub(crate) notes: Vec<String>,
    pub(crate) errors: Vec<PatchError>,
}

/// Combines the variables of all requirements. Variables in `own` belong to the container: they take
/// precedence and are not a conflict.
pub(crate) fn plan(bindings: &[ServiceBinding<'_>], own: &[&str]) -> Plan {
    let mut plan = Plan::default();
    let mut claims: BTreeMap<String, Vec<(&ServiceBinding<'_>, String)>> = BTreeMap::new();
    for binding in bindings {
        let requirement = &binding.requirement.name;
        let environment = match environment(binding.requirement, binding.layout) {
            Ok(environment) => environment,
            Err(refusals) => {
                let location = || Location::Requirement(requirement.to_string());
                plan.errors.extend(
                    refusals
                        .into_iter()
                        .map(|refusal| PatchError::new(location(), refusal)),
                );
                continue;
            }
        };
        let is_free = |name: &str| !own.contains(&name);
        for name in environment.skipped.iter().filter(|name| is_free(name)) {
            plan.notes.push(format!(
                "requirement `{requirement}`: variable `{name}` is not set because it can execute code or break the step; read the file instead, or map it explicitly in `environment`"
            ));
        }
        for variable in environment
            .variables
            .iter()
            .filter(|variable| is_free(&variable.name))
        {
            if is_dangerous(&variable.name) {
                plan.notes.push(format!(
                    "requirement `{requirement}`: `environment` sets `{}`, which can execute code or break the step",
                    variable.name
                ));
            }
            claims
                .entry(variable.name.to_string())
                .or_default()
                .push((binding, variable.key.to_string()));
        }
    }
    for (name, claims) in claims {
        let Some((first, key)) = claims.first() else {
            continue;
        };
        if claims
            .iter()
            .all(|(binding, other)| is_one_source((*binding, other), (*first, key)))
        {
            plan.variables.push(SecretVariable {
                name,
                secret: first.secret.to_owned(),
                key: key.clone(),
            });
            continue;
        }
        let names: Vec<&str> = claims
            .iter()
            .map(|(binding, _)| &*binding.requirement.name)
            .collect();
        plan.errors.push(PatchError::new(
            Location::Requirements,
            different_sources(&name, &names),
        ));
    }
    plan
}

/// Returns whether two variables always have the same value: the same key of the same Secret, or the same
/// configuration entry of one record, which all its services share.
fn is_one_source(left: (&ServiceBinding<'_>, &str), right: (&ServiceBinding<'_>, &str)) -> bool {
    let is_shared = |(binding, key): (&ServiceBinding<'_>, &str)| {
        binding
            .layout
            .get(key)
            .is_some_and(|key| key.origin == Origin::Extension)
    };
    left.1 == right.1
        && (left.0.secret == right.0.secret
            || (left.0.record == right.0.record && is_shared(left) && is_shared(right)))
}
