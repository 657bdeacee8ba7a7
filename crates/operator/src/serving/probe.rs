//! One dry run through the API server: the proof that it reaches the webhook and trusts it.

use extension_registry_api::Workflow;
use extension_registry_api::workflow::{Step, WorkflowSpec};
use kube::Api;
use kube::api::PostParams;

use crate::context::Context;
use crate::error::Error;

/// Name of the workflow that the probe asks for.
pub(crate) const NAME: &str = "extension-registry-probe";

/// Annotation with which the webhook answers the probe.
pub(crate) const REACHED_ANNOTATION: &str = "registry.fuseml.io/webhook-reached";

/// Asks the API server to admit a workflow, without storing it. `false` when the webhook left no
/// mark on it: it is not asked at all.
///
/// # Errors
/// When the webhook is not reached, or not trusted.
pub(crate) async fn run(context: &Context) -> Result<bool, Error> {
    let namespace = &context.settings.namespace;
    let api = Api::<Workflow>::namespaced(context.client.clone(), namespace);
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let admitted = api
        .create(&dry_run, &workflow())
        .await
        .map_err(|error| Error::api("reach the webhook through the API server", &error))?;
    Ok(admitted
        .metadata
        .annotations
        .is_some_and(|annotations| annotations.contains_key(REACHED_ANNOTATION)))
}

fn workflow() -> Workflow {
    let step = Step {
        name: "probe".to_owned(),
        image: "probe".to_owned(),
        ..Step::default()
    };
    let spec = WorkflowSpec {
        description: Some("shows that the webhook is reached; it is never stored".to_owned()),
        steps: vec![step],
        ..WorkflowSpec::default()
    };
    Workflow::new(NAME, spec)
}
