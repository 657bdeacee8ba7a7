//! The variables that requirements set.

use std::collections::BTreeMap;

use extension_registry_core::projection::Origin;
use extension_registry_core::projection::environment::{environment, is_dangerous};
use extension_registry_core::refusal::Refusal;
use serde_json::{Value, json};

use crate::patch::{Bound, Fault, Place, conflict};

/// A variable taken from a key of a Secret.
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

/// `valueFrom` of a key. Neither Secret nor key is optional: a step that starts without what it
/// requires fails later and less clearly.
pub(crate) fn source(secret: &str, key: &str) -> Value {
    json!({"secretKeyRef": {"name": secret, "key": key}})
}

/// What the requirements of a container do to its variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Sorted by name.
    pub(crate) variables: Vec<SecretVariable>,
    pub(crate) notes: Vec<String>,
    pub(crate) faults: Vec<Fault>,
}

/// Puts the requirements together. A variable in `own` is the container's: it wins, and nothing
/// clashes over it.
pub(crate) fn plan(bounds: &[Bound<'_>], own: &[&str]) -> Plan {
    let mut plan = Plan::default();
    let mut claims: BTreeMap<String, Vec<(&Bound<'_>, String)>> = BTreeMap::new();
    for bound in bounds {
        let requirement = &bound.requirement.name;
        let environment = match environment(bound.requirement, bound.layout) {
            Ok(environment) => environment,
            Err(refusals) => {
                let place = || Place::Requirement(requirement.to_string());
                plan.faults.extend(
                    refusals
                        .into_iter()
                        .map(|refusal| Fault::new(place(), refusal)),
                );
                continue;
            }
        };
        let is_free = |name: &str| !own.contains(&name);
        for name in environment.left_out.iter().filter(|name| is_free(name)) {
            plan.notes.push(format!(
                "requirement `{requirement}`: variable `{name}` is not set, because such a variable runs code or breaks steps; the file is there, and `environment` can map it"
            ));
        }
        for variable in environment
            .variables
            .iter()
            .filter(|variable| is_free(&variable.name))
        {
            if is_dangerous(&variable.name) {
                plan.notes.push(format!(
                    "requirement `{requirement}`: `environment` sets `{}`, a variable that runs code or breaks steps",
                    variable.name
                ));
            }
            claims
                .entry(variable.name.to_string())
                .or_default()
                .push((bound, variable.key.to_string()));
        }
    }
    for (name, claims) in claims {
        let Some((first, key)) = claims.first() else {
            continue;
        };
        if claims
            .iter()
            .all(|(bound, other)| is_one_source((*bound, other), (*first, key)))
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
            .map(|(bound, _)| &*bound.requirement.name)
            .collect();
        plan.faults.push(Fault::new(
            Place::Requirements,
            different_sources(&name, &names),
        ));
    }
    plan
}

/// The refusal of a variable that several requirements set.
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
        format!("map it with `environment:` in all but one of them, or set `{variable}` in `env:`"),
    )
}

/// Whether two variables always have the same value: the same key of the same Secret, or the same
/// entry of one record, which all services of the record share.
fn is_one_source(left: (&Bound<'_>, &str), right: (&Bound<'_>, &str)) -> bool {
    let is_shared = |(bound, key): (&Bound<'_>, &str)| {
        bound
            .layout
            .get(key)
            .is_some_and(|key| key.origin == Origin::Extension)
    };
    left.1 == right.1
        && (left.0.secret == right.0.secret
            || (left.0.record == right.0.record && is_shared(left) && is_shared(right)))
}
