//! The pipeline as it should be, and the projections that it needs.

use std::collections::BTreeMap;

use extension_registry_api::USER_SECRETS_LABEL;
use extension_registry_api::workflow::{Binding, RunAs};
use extension_registry_core::hex::hex;
use extension_registry_core::projection::Identity;
use extension_registry_core::resolve::Choice;
use extension_registry_pipeline::{self as pipeline, Input, Tekton};
use kube::Resource;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ObjectKey;
use crate::workflow::validate::{Bound, Validated};
use crate::workflow::{Problem, Refusals, Resolved};

/// Bytes of the digest of a pipeline that are kept.
const DIGEST_LENGTH: usize = 16;

/// A projection that must stand before the pipeline may refer to its Secret.
pub struct Needed {
    /// Its key.
    pub key: ObjectKey,
    /// What it stands for.
    pub identity: Identity,
    /// What it is rendered from.
    pub choice: Choice,
}

/// What is to be written.
pub struct Prepared {
    /// The pipeline.
    pub pipeline: Value,
    /// Plain SHA-256 of it, shortened: a pipeline holds no value.
    pub digest: String,
    /// Projections, each once.
    pub projections: Vec<Needed>,
    /// For the status.
    pub bindings: Vec<Binding>,
    /// The user whose runs get the credentials, for the status.
    pub run_as: Option<RunAs>,
    /// Remarks for the status.
    pub notes: Vec<String>,
}

pub(super) fn run(resolved: &Resolved, validated: Validated<'_>) -> Result<Prepared, Refusals> {
    let Resolved { workflow, key, .. } = resolved;
    let spec = &workflow.spec;
    let step_name = |step: usize| spec.steps.get(step).map_or("", |step| step.name.as_str());
    let mut bounds: BTreeMap<String, Vec<pipeline::Bound<'_>>> = BTreeMap::new();
    for bound in &validated.bound {
        bounds
            .entry(step_name(bound.step).to_owned())
            .or_default()
            .push(pipeline::Bound {
                requirement: bound.requirement,
                secret: &bound.secret,
                layout: &bound.layout,
                record: &bound.choice.record.key,
            });
    }
    let input = Input {
        name: &key.name,
        namespace: &key.namespace,
        spec,
        bounds: &bounds,
        engine: &Tekton,
    };
    let output = pipeline::build(&input).map_err(|problems| {
        Refusals::new(true, problems.into_iter().map(Problem::from).collect())
    })?;
    let mut object = output.pipeline;
    // One that is not in a cluster owns nothing.
    if let Some(mut owner) = workflow.controller_owner_ref(&()) {
        owner.block_owner_deletion = Some(false);
        object["metadata"]["ownerReferences"] = json!([owner]);
    }
    let run_as = validated
        .bound
        .iter()
        .find_map(|bound| bound.identity.user.as_ref())
        .map(|user| RunAs {
            user: user.to_string(),
        });
    if run_as.is_some() {
        object["metadata"]["labels"][USER_SECRETS_LABEL] = json!("true");
    }
    let mut notes = output.notes;
    notes.extend(
        validated
            .bound
            .iter()
            .filter(|bound| bound.choice.foreign_endpoint)
            .map(|bound| {
                format!(
                    "step `{}`, requirement `{}`: its endpoint is internal to zone `{}`",
                    step_name(bound.step),
                    bound.requirement.name,
                    bound.choice.record.zone.as_deref().unwrap_or_default()
                )
            }),
    );
    let bindings = validated
        .bound
        .iter()
        .map(|bound| binding(step_name(bound.step), bound))
        .collect();
    Ok(Prepared {
        run_as,
        digest: hex(&Sha256::digest(object.to_string().as_bytes())[..DIGEST_LENGTH]),
        pipeline: object,
        projections: needed(key, validated.bound),
        bindings,
        notes,
    })
}

fn binding(step: &str, bound: &Bound<'_>) -> Binding {
    let choice = bound.choice;
    Binding {
        step: step.to_owned(),
        requirement: bound.requirement.name.to_string(),
        kind: choice.record.key.kind().as_str().to_owned(),
        record: choice.record.key.name.to_string(),
        record_generation: choice.record.generation,
        service: choice.service().name.to_string(),
        endpoint: choice.endpoint().map(|endpoint| endpoint.name.to_string()),
        credentials: choice
            .credentials()
            .map(|credentials| credentials.name.to_string()),
        version: choice.record.version_text().map(str::to_owned),
        secret: bound.secret.clone(),
    }
}

fn needed(workflow: &ObjectKey, bound: Vec<Bound<'_>>) -> Vec<Needed> {
    let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
    for one in bound {
        let key = ObjectKey::new(workflow.namespace.clone(), one.secret.as_str());
        let choice = one.choice.clone();
        needed.entry(one.secret).or_insert(Needed {
            key,
            identity: one.identity,
            choice,
        });
    }
    needed.into_values().collect()
}
