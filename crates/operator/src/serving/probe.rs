//! Probe that verifies with a dry run that the API server reaches the webhook and trusts its certificate.

use extension_registry_api::Workflow;
use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_runtime::error::Error;
use kube::api::PostParams;
use kube::{Api, Client};

/// Error of the API server if the webhook denied the request.
const DENIED: &str =
    r#"admission webhook "validate-workflows.registry.fuseml.io" denied the request"#;

/// Error of the API server if it could not reach the webhook.
const FAILED: &str = "failed calling webhook";

/// Go's error if no CA in `caBundle` signed the certificate.
const UNTRUSTED: &str = "x509: certificate signed by unknown authority";

/// Result of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reachability {
    /// No webhook configuration applies.
    NotCalled,
    /// The API server connects to the webhook, but `caBundle` does not contain the CA of its certificate yet.
    Untrusted,
    /// The webhook responded.
    Reached,
}

/// Creates, as a dry run, a workflow that the webhook always denies.
///
/// # Errors
/// If the API server cannot reach the webhook or rejects the request for another reason.
pub(crate) async fn run(client: &Client, namespace: &str) -> Result<Reachability, Error> {
    let api = Api::<Workflow>::namespaced(client.clone(), namespace);
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match api.create(&dry_run, &denied_workflow()).await {
        Ok(_) => Ok(Reachability::NotCalled),
        Err(error) => classify(&error.to_string())
            .ok_or_else(|| Error::api("reach the webhook through the API server", &error)),
    }
}

/// Classifies the error of the dry run; `None` for an unrelated error.
fn classify(message: &str) -> Option<Reachability> {
    if message.contains(DENIED) {
        Some(Reachability::Reached)
    } else if message.contains(FAILED) && message.contains(UNTRUSTED) {
        Some(Reachability::Untrusted)
    } else {
        None
    }
}

/// Returns a workflow that only the webhook denies: it matches the CRD schema, and no policy reads its steps.
fn denied_workflow() -> Workflow {
    let step = Step {
        name: "probe".to_owned(),
        image: "probe".to_owned(),
        args: vec!["{{ extensions.none.KEY }}".to_owned()],
        ..Step::default()
    };
    let spec = WorkflowSpec {
        description: Some("readiness probe of the webhook; never stored".to_owned()),
        steps: vec![step],
        ..WorkflowSpec::default()
    };
    Workflow::new("extension-registry-probe", spec)
}

#[cfg(test)]
mod tests {
    use super::{Reachability, classify, denied_workflow};

    #[test]
    fn classifies_errors_of_api_server() {
        let call = r#"Internal error occurred: failed calling webhook "validate-workflows.registry.fuseml.io": failed to call webhook: Post "https://webhook.ns.svc:443/validate/workflows?timeout=5s": "#;
        for (message, expected) in [
            (
                r#"admission webhook "validate-workflows.registry.fuseml.io" denied the request: step `probe`"#.to_owned(),
                Some(Reachability::Reached),
            ),
            (
                format!("{call}tls: failed to verify certificate: x509: certificate signed by unknown authority"),
                Some(Reachability::Untrusted),
            ),
            (
                format!("{call}tls: failed to verify certificate: x509: certificate is valid for a.ns.svc, not webhook.ns.svc"),
                None,
            ),
            (format!("{call}dial tcp 10.0.0.1:443: connect: connection refused"), None),
            (r#"admission webhook "another.example.com" denied the request: no"#.to_owned(), None),
            ("workflows.registry.fuseml.io is forbidden".to_owned(), None),
        ] {
            assert_eq!(classify(&message), expected, "{message}");
        }
    }

    #[test]
    fn webhook_denies_probe_workflow() {
        assert!(!extension_registry_pipeline::check(&denied_workflow().spec).is_empty());
    }
}
