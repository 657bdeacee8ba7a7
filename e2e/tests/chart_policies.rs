//! The admission policies that the chart renders, without a cluster.

#[path = "support/rendered.rs"]
mod rendered;

use std::collections::BTreeSet;

use serde_json::Value;

use rendered::{arguments, chart, find_object, kinds, objects, parse, set};

const MUTATING: &str = "MutatingAdmissionPolicy";
const WITHOUT_API: [&str; 2] = ["template", "extension-registry"];
const WITH_API: [&str; 4] = [
    "template",
    "extension-registry",
    "--api-versions",
    "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
];

#[test]
fn uninstall_keeps_policies_of_user_secrets() {
    let plain = objects(&["policies.stampIdentity=always", "injection.enabled=true"]);
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
        "injection",
        "managed-secrets",
        "operator-finalizers",
        "operator-own",
        "operator-pipelines",
        "operator-secrets",
        "run-bindings",
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
    let off = "injection.enabled=false";
    for (setting, stamps) in [("always", true), ("never", false)] {
        let rendered = objects(&[&format!("policies.stampIdentity={setting}"), off]);
        assert_eq!(kinds(&rendered).contains(MUTATING), stamps, "{setting}");
        assert!(!arguments(&rendered).contains(&"--ignore-authors"));
    }
    let without = objects(&[
        "policies.enabled=false",
        "policies.stampIdentity=always",
        off,
    ]);
    assert!(!kinds(&without).contains(MUTATING));
    assert!(arguments(&without).contains(&"--ignore-authors"));
    let message = chart(&["template"], &["policies.stampIdentity=yes"]).unwrap_err();
    assert!(
        message.to_string().contains("/policies/stampIdentity"),
        "{message}"
    );
    assert!(chart(&WITH_API, &[off]).unwrap().contains(MUTATING));
}

#[test]
fn injects_bindings_if_the_api_server_supports_it() {
    for (setting, without_api, with_api) in [
        ("auto", &["Validating"][..], &["Mutating", "Validating"][..]),
        (
            "true",
            &["Mutating", "Validating"],
            &["Mutating", "Validating"],
        ),
        ("false", &[], &[]),
    ] {
        let setting = format!("injection.enabled={setting}");
        // Independent of the other policies.
        for others in ["policies.enabled=false", "policies.enabled=true"] {
            for (verb, expected) in [(&WITHOUT_API[..], without_api), (&WITH_API, with_api)] {
                let text = chart(verb, &[&setting, others]).unwrap();
                let rendered = parse(&text);
                for kind in ["Mutating", "Validating"] {
                    for suffix in ["", "Binding"] {
                        let full = format!("{kind}AdmissionPolicy{suffix}");
                        let name = "extension-registry-injection";
                        let found = find_object(&rendered, &full, "", name).is_object();
                        let is_expected = expected.contains(&kind);
                        assert_eq!(found, is_expected, "{setting}, {others}: {full}");
                    }
                }
            }
        }
    }
    for setting in ["yes", "always", "\"true\"", "1"] {
        let setting = format!("injection.enabled={setting}");
        let message = chart(&["template"], &[&setting]).unwrap_err().to_string();
        assert!(message.contains("/injection/enabled"), "{message}");
    }
}
