//! One dry run through the API server: the proof that it reaches the webhook and trusts its certificate.

use extension_registry_api::Workflow;
use extension_registry_api::workflow::{Step, WorkflowSpec};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::Error;

/// Error of the API server for a webhook that answered with a refusal.
const REFUSED: &str =
    r#"admission webhook "validate-workflows.registry.fuseml.io" denied the request"#;

/// Error of the API server for a webhook that it did not reach.
const FAILED: &str = "failed calling webhook";

/// Its cause, as Go words it, where no authority in `caBundle` signed the certificate.
const UNTRUSTED: &str = "x509: certificate signed by unknown authority";

/// How far a request of the API server to the webhook comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No webhook configuration sends it.
    NotCalled,
    /// The webhook is reached, and `caBundle` does not hold the authority of its certificate yet.
    Untrusted,
    /// The webhook answered.
    Reached,
}

/// Asks the API server to admit a workflow, as a dry run, that the webhook always refuses.
///
/// # Errors
/// When the API server does not reach the webhook, or rejects the request for another reason.
pub(crate) async fn run(client: &Client, namespace: &str) -> Result<Reach, Error> {
    let api = Api::<Workflow>::namespaced(client.clone(), namespace);
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match api.create(&dry_run, &refused_workflow()).await {
        Ok(_) => Ok(Reach::NotCalled),
        Err(error) => reach(&error.to_string())
            .ok_or_else(|| Error::api("reach the webhook through the API server", &error)),
    }
}

/// What the error of the dry run shows; `None` for any other error.
fn reach(message: &str) -> Option<Reach> {
    if message.contains(REFUSED) {
        Some(Reach::Reached)
    } else if message.contains(FAILED) && message.contains(UNTRUSTED) {
        Some(Reach::Untrusted)
    } else {
        None
    }
}

/// A workflow that only the webhook refuses: the definition allows it, and no policy reads its steps.
fn refused_workflow() -> Workflow {
    let step = Step {
        name: "probe".to_owned(),
        image: "probe".to_owned(),
        args: vec!["{{ extensions.none.KEY }}".to_owned()],
        ..Step::default()
    };
    let spec = WorkflowSpec {
        description: Some("shows that the webhook is reached; never stored".to_owned()),
        steps: vec![step],
        ..WorkflowSpec::default()
    };
    Workflow::new("extension-registry-probe", spec)
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach, refused_workflow};

    #[test]
    fn errors_of_the_api_server_tell_how_far_it_comes() {
        let call = r#"Internal error occurred: failed calling webhook "validate-workflows.registry.fuseml.io": failed to call webhook: Post "https://webhook.ns.svc:443/validate/workflows?timeout=5s": "#;
        for (message, expected) in [
            (
                r#"admission webhook "validate-workflows.registry.fuseml.io" denied the request: step `probe`"#.to_owned(),
                Some(Reach::Reached),
            ),
            (
                format!("{call}tls: failed to verify certificate: x509: certificate signed by unknown authority"),
                Some(Reach::Untrusted),
            ),
            (
                format!("{call}tls: failed to verify certificate: x509: certificate is valid for a.ns.svc, not webhook.ns.svc"),
                None,
            ),
            (format!("{call}dial tcp 10.0.0.1:443: connect: connection refused"), None),
            (r#"admission webhook "another.example.com" denied the request: no"#.to_owned(), None),
            ("workflows.registry.fuseml.io is forbidden".to_owned(), None),
        ] {
            assert_eq!(reach(&message), expected, "{message}");
        }
    }

    #[test]
    fn webhook_refuses_the_workflow_of_the_probe() {
        assert!(!extension_registry_pipeline::check(&refused_workflow().spec).is_empty());
    }
}
