//! Builds the pipeline and the list of required projections.

use std::collections::BTreeMap;

use extension_registry_api::USER_SECRETS_LABEL;
use extension_registry_api::workflow::{Binding, RunAs};
use extension_registry_core::projection::Identity;
use extension_registry_core::resolve::Choice;
use extension_registry_pipeline::{self as pipeline, Input, engine};
use kube::Resource;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ObjectKey;
use crate::workflow::refusals::{Problem, Refusals};
use crate::workflow::resolution::Resolved;
use crate::workflow::validate::{BoundRequirement, Validated};

/// Length of the digest of a pipeline, in bytes.
const DIGEST_LENGTH: usize = 16;

/// A projection that must exist before the pipeline may reference its Secret.
pub struct RequiredProjection {
    /// Namespace and name of the projection.
    pub key: ObjectKey,
    /// Identity of the projection.
    pub identity: Identity,
    /// The service to render.
    pub choice: Choice,
}

/// Desired state of a workflow.
pub struct Prepared {
    /// The pipeline object.
    pub pipeline: Value,
    /// Truncated SHA-256 digest of the pipeline, which contains no secret values.
    pub digest: String,
    /// Required projections without duplicates.
    pub projections: Vec<RequiredProjection>,
    /// Bindings for the status.
    pub bindings: Vec<Binding>,
    /// User whose runs may use the credentials, for the status.
    pub run_as: Option<RunAs>,
    /// Warnings for the status.
    pub notes: Vec<String>,
}

pub(super) fn run(resolved: &Resolved, validated: Validated<'_>) -> Result<Prepared, Refusals> {
    let Resolved { workflow, key, .. } = resolved;
    let spec = &workflow.spec;
    let step_name = |step: usize| spec.steps.get(step).map_or("", |step| step.name.as_str());
    let mut service_bindings: BTreeMap<String, Vec<pipeline::ServiceBinding<'_>>> = BTreeMap::new();
    for bound in &validated.bound {
        service_bindings
            .entry(step_name(bound.step).to_owned())
            .or_default()
            .push(pipeline::ServiceBinding {
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
        bindings: &service_bindings,
        engine: engine(),
    };
    let output = pipeline::build(&input).map_err(|problems| {
        Refusals::new(true, problems.into_iter().map(Problem::from).collect())
    })?;
    let mut object = output.pipeline;
    // A workflow without a UID is not in a cluster and owns nothing.
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
        engine().label_pods(&mut object, USER_SECRETS_LABEL, "true");
    }
    let mut notes = output.notes;
    notes.extend(
        validated
            .bound
            .iter()
            .filter(|bound| bound.choice.foreign_endpoint)
            .map(|bound| {
                format!(
                    "step `{}`, requirement `{}`: the selected endpoint is internal to zone `{}`",
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
        digest: hex::encode(&Sha256::digest(object.to_string().as_bytes())[..DIGEST_LENGTH]),
        pipeline: object,
        projections: required_projections(key, validated.bound),
        bindings,
        notes,
    })
}

fn binding(step: &str, bound: &BoundRequirement<'_>) -> Binding {
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

fn required_projections(
    workflow: &ObjectKey,
    bound: Vec<BoundRequirement<'_>>,
) -> Vec<RequiredProjection> {
    let mut required_projections: BTreeMap<String, RequiredProjection> = BTreeMap::new();
    for one in bound {
        let key = ObjectKey::new(workflow.namespace.clone(), one.secret.as_str());
        let choice = one.choice.clone();
        required_projections
            .entry(one.secret)
            .or_insert(RequiredProjection {
                key,
                identity: one.identity,
                choice,
            });
    }
    required_projections.into_values().collect()
}
