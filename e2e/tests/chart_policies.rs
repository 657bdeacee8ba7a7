//! The admission policies that the chart renders, without a cluster.

#[path = "support/rendered.rs"]
mod rendered;

use std::collections::BTreeSet;

use serde_json::Value;

use rendered::{arguments, chart, find_object, kinds, objects, set};

#[test]
fn uninstall_keeps_policies_of_user_secrets() {
    let plain = objects(&["policies.stampIdentity=always"]);
    let named = |kept: bool| -> BTreeSet<String> {
        let policies = plain.iter().filter(|object| {
            let keep = &object["metadata"]["annotations"]["helm.sh/resource-policy"];
            object["kind"].as_str().unwrap().contains("AdmissionPolicy") && (keep == "keep") == kept
        });
        let names = policies.map(|object| object["metadata"]["name"].as_str().unwrap());
        names
            .map(|name| name.replace("extension-registry-", ""))
            .collect()
    };
    let kept = [
        "operator-kinds",
        "pipelines",
        "run-by",
        "run-integrity",
        "run-templates",
        "user-secret-pods",
        "user-secret-requests",
        "user-secrets",
    ];
    assert_eq!(named(true), set(&kept));
    let others = [
        "author",
        "managed-secrets",
        "operator-finalizers",
        "operator-own",
        "operator-pipelines",
        "operator-secrets",
        "runs",
    ];
    assert_eq!(named(false), set(&others));
    for object in &plain {
        let kind = object["kind"].as_str().unwrap();
        if kind.ends_with("AdmissionPolicy") {
            let name = object["metadata"]["name"].as_str().unwrap();
            let binding = find_object(&plain, &format!("{kind}Binding"), "", name);
            assert_eq!(binding["spec"]["policyName"], name, "{kind}");
            assert_eq!(object["spec"]["failurePolicy"], "Fail", "{name}");
            let keep = |object: &Value| object["metadata"]["annotations"].clone();
            assert_eq!(keep(binding), keep(object), "{name}");
        }
    }
}

#[test]
fn stamps_identities_if_the_api_server_supports_it() {
    let mutating = "MutatingAdmissionPolicy";
    for (setting, stamps) in [("always", true), ("never", false)] {
        let rendered = objects(&[&format!("policies.stampIdentity={setting}")]);
        assert_eq!(kinds(&rendered).contains(mutating), stamps, "{setting}");
        assert!(!arguments(&rendered).contains(&"--ignore-authors"));
    }
    let off = objects(&["policies.enabled=false", "policies.stampIdentity=always"]);
    assert!(!kinds(&off).contains(mutating));
    assert!(arguments(&off).contains(&"--ignore-authors"));
    let message = chart(&["template"], &["policies.stampIdentity=yes"]).unwrap_err();
    assert!(
        message.to_string().contains("/policies/stampIdentity"),
        "{message}"
    );
    let verb = [
        "template",
        "extension-registry",
        "--api-versions",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
    ];
    assert!(chart(&verb, &[]).unwrap().contains(mutating));
}
