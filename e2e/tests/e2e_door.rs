//! The door: what the webhook says to requests that are none, what it refuses, and what still works while it is away.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
mod support;

use std::time::Duration;

use door::{Said, kubectl, post};
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use serde_json::{Value, json};
use support::{Lab, eventually, from_secret, record, secret_name, section, workflow};

const CANARY: &str = "canary-4711";
const PROJECT: &str = "door";
const OWN: &str = "extension-registry";
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

async fn lab(test: &str) -> Lab {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let lab = Lab::with_webhook(test, options, &[], &[]).await;
    lab.namespace(PROJECT);
    lab
}

fn run(lab: &Lab, arguments: &[&str], input: &str) -> Said {
    kubectl(&lab.cluster, arguments, input)
}

fn apply(lab: &Lab, manifest: &str) -> Said {
    run(lab, &["apply", "-f", "-"], manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_review_is_answered_and_not_repeated() {
    let lab = lab("door-requests").await;
    let address = lab.installed.webhook().unwrap();
    let json = "application/json";
    let garbage = format!("{{\"password\": \"{CANARY}\"");
    let review = format!(
        "{{\"apiVersion\": \"admission.k8s.io/v1\", \"kind\": \"AdmissionReview\", \"request\": \"{CANARY}\"}}"
    );
    let large = format!("\"{}\"", CANARY.repeat(9 * 1024 * 1024 / CANARY.len()));
    for path in [
        "/mutate/workflows",
        "/mutate/records",
        "/validate/workflows",
        "/validate/records",
    ] {
        for (method, path, kind, body, expected) in [
            ("POST", path, json, garbage.as_str(), 400),
            ("POST", path, json, &review, 400),
            ("POST", path, json, "", 400),
            ("POST", path, "text/plain", &garbage, 415),
            ("POST", path, "", &garbage, 415),
            ("POST", path, json, &large, 413),
            ("POST", "/mutate/canary-4711", json, &garbage, 404),
            ("GET", path, json, "", 405),
            ("PUT", path, json, &garbage, 405),
        ] {
            let case = format!("{method} {path} {kind} of {} bytes", body.len());
            // A connection of which the server did not read everything may break before the answer.
            let (status, said) = eventually(Duration::from_secs(10), &case, async || {
                post(address, method, path, kind, body).await
            })
            .await;
            assert_eq!(status, expected, "{case}: {said}");
            assert!(!said.contains(CANARY), "{case}: {said}");
        }
    }
    assert!(!lab.logs().contains(CANARY), "{}", lab.logs());
    section("an object that is too large is refused before it is examined");
    let mut huge = record("huge", &json!([]));
    let entry = json!({"name": "A", "value": CANARY.repeat(4)});
    huge["spec"]["services"][0]["configuration"] = json!(vec![entry; 20_000]);
    let message = apply(&lab, &huge.to_string()).unwrap_err();
    assert!(
        message.contains("at most 1048576 bytes are allowed"),
        "{message}"
    );

    // It serves the API server as before.
    let good = workflow(PROJECT, "good", &json!({"product": "any"}));
    let applied = lab.apply(&good).await;
    assert!(applied["metadata"]["annotations"]["registry.fuseml.io/author"].is_string());
    lab.stop().await;
}

/// Manifests that YAML or the pipeline makes wrong, what has to be in the answer, and whether an API server without the
/// webhook stores it.
fn bad() -> [(&'static str, String, [&'static str; 2], bool); 6] {
    let steps = |steps: &str| {
        format!(
            "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{namespace: {PROJECT}, name: bad}}\n\
             spec: {{steps: [{{name: train, image: i, {steps}}}]}}\n"
        )
    };
    let cluster = |spec: &str| {
        format!(
            "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: bad}}\nspec: {spec}\n"
        )
    };
    [
        (
            "a version without quotes",
            cluster("{product: p, version: 471.19, services: [{name: s, resource: s3}]}"),
            [
                "spec.version: expected a string, found a number",
                "quote the value",
            ],
            false,
        ),
        (
            "a value without quotes",
            cluster(
                "{product: p, version: '1', services: [{name: s, resource: s3, credentials: [{name: c, configuration: [{name: A, value: no}, {name: B, value: 47114711}]}]}]}",
            ),
            [
                "configuration[0].value: expected a string, found a boolean",
                "configuration[1].value: expected a string, found a number; hint: quote the value",
            ],
            false,
        ),
        (
            "a range without quotes",
            steps("extensions: [{name: data, product: p, version: 471.19}]"),
            [
                "extensions[0].version: expected a string, found a number",
                "quote the value",
            ],
            false,
        ),
        (
            "a range that is none",
            steps("extensions: [{name: data, product: p, version: '>=1.x.y'}]"),
            ["spec.steps[0].extensions[0].version", "hint: "],
            true,
        ),
        (
            "an unknown requirement",
            steps(
                "extensions: [{name: data, product: p}], env: [{name: A, value: '{{ extensions.other.KEY }}'}]",
            ),
            ["spec.steps[0].env[0]", "hint: "],
            true,
        ),
        (
            "two that set the same variable",
            steps(
                "extensions: [{name: a, product: p, environment: [{name: SAME, configuration: K}]}, {name: b, product: p, environment: [{name: SAME, configuration: L}]}]",
            ),
            [
                "spec.steps[0].extensions: requirements `a` and `b`",
                "hint: ",
            ],
            true,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_work_is_refused_with_field_and_way_out() {
    let lab = lab("door-refused").await;
    let mut wrong = Vec::new();
    for (case, manifest, expected, _) in bad() {
        let said = apply(&lab, &manifest);
        println!("{case}: {said:?}");
        let is_right = said.as_ref().is_err_and(|said| {
            expected.iter().all(|part| said.contains(part))
                && !said.contains("471.19")
                && !said.contains("47114711")
        });
        if !is_right {
            wrong.push((case, said));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    section("what was stored before can be labelled and deleted");
    for (case, manifest, expected, _) in bad().into_iter().filter(|bad| bad.3) {
        let saved: Vec<String> = CONFIGURATIONS
            .iter()
            .map(|kind| saved(&lab, kind))
            .collect();
        for kind in CONFIGURATIONS {
            run(&lab, &["delete", kind, OWN], "").unwrap();
        }
        eventually(Duration::from_secs(10), case, async || {
            apply(&lab, &manifest)
        })
        .await;
        for configuration in saved {
            run(&lab, &["create", "-f", "-"], &configuration).unwrap();
        }
        let other = manifest.replace("name: bad", "name: worse");
        eventually(
            Duration::from_secs(10),
            "it is asked again",
            async || match apply(&lab, &other) {
                Err(said) if said.contains(expected[0]) => Ok(()),
                said => {
                    let _ = run(&lab, &["delete", "workflow", "worse", "-n", PROJECT], "");
                    Err(format!("{said:?}"))
                }
            },
        )
        .await;
        run(
            &lab,
            &["label", "workflow", "bad", "a=b", "-n", PROJECT],
            "",
        )
        .unwrap();
        let changed = manifest.replace("image: i", "image: other");
        assert!(apply(&lab, &changed).is_err(), "{case}");
        run(&lab, &["delete", "workflow", "bad", "-n", PROJECT], "").unwrap();
    }
    lab.stop().await;
}

/// A webhook configuration that can be created again.
fn saved(lab: &Lab, kind: &str) -> String {
    let stored = run(lab, &["get", kind, OWN, "-o", "json"], "").unwrap();
    let mut stored: Value = serde_json::from_str(&stored).unwrap();
    stored["metadata"] = json!({"name": OWN, "labels": stored["metadata"]["labels"]});
    stored.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_webhook_only_our_kinds_wait() {
    let mut lab = lab("door-away").await;
    lab.source("extension-registry-records", "shared", "p-1")
        .await;
    lab.apply(&record("shared", &from_secret("shared"))).await;
    let flow = workflow(PROJECT, "flow", &json!({"product": "shared"}));
    lab.apply(&flow).await;
    lab.ready(PROJECT, "flow").await;
    let secret = secret_name("shared", "main");
    let rendered = lab.get("Secret", PROJECT, &secret).await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": PROJECT, "name": "default"}});
    let _ = apply(&lab, &account.to_string());
    lab.kill_operator();

    section("our kinds cannot be written");
    let mut changed = flow.clone();
    changed["spec"]["steps"][0]["image"] = json!("other");
    let refused = [
        workflow(PROJECT, "new", &json!({"product": "shared"})),
        changed,
        record("new", &json!([{"name": "main"}])),
        support::own(record("new", &json!([{"name": "main"}])), PROJECT),
    ];
    for object in refused {
        let said = apply(&lab, &object.to_string()).unwrap_err();
        assert!(
            said.contains("failed calling webhook") && said.contains("registry.fuseml.io"),
            "{said}"
        );
        println!("{}", said.trim());
    }

    section("everything else can");
    let metadata = json!({"namespace": PROJECT, "name": "other"});
    for other in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": metadata, "spec": {"pipelineRef": {"name": "other"}}}),
    ] {
        apply(&lab, &other.to_string()).unwrap();
    }
    run(
        &lab,
        &["get", "workflows,extensions,clusterextensions", "-A"],
        "",
    )
    .unwrap();
    let kept = lab.get("Secret", PROJECT, &secret).await;
    assert_eq!(kept["data"], rendered["data"]);
    assert!(!kept["data"].is_null());
    run(&lab, &["delete", "workflow", "flow", "-n", PROJECT], "").unwrap();
    run(&lab, &["delete", "clusterextension", "shared"], "").unwrap();

    section("after a start it is trusted at once");
    for start in 0..5 {
        lab.start_operator();
        for count in 0..20 {
            let mut object = flow.clone();
            object["spec"]["steps"][0]["image"] = json!(format!("i:{start}-{count}"));
            if let Err(error) = lab.try_apply(&object).await {
                panic!("start {start}, apply {count}: {error}");
            }
        }
        if start < 4 {
            lab.kill_operator();
        }
    }
    lab.stop().await;
}
