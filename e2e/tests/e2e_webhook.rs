//! The webhook: responses to invalid requests, refusals, and behaviour while it is unavailable.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::time::Duration;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use serde_json::{Value, json};
use support::{TestEnv, eventually, from_secret, record, secret_name, section, workflow};
use webhook::{KubectlResult, kubectl, post};

const CANARY: &str = "canary-4711";
const PROJECT: &str = "door";
const OWN: &str = "extension-registry";
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

async fn start(test: &str) -> TestEnv {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let env = TestEnv::with_webhook(test, options, &[], &[]).await;
    env.namespace(PROJECT);
    env
}

fn run(env: &TestEnv, arguments: &[&str], input: &str) -> KubectlResult {
    kubectl(&env.cluster, arguments, input)
}

fn apply(env: &TestEnv, manifest: &str) -> KubectlResult {
    run(env, &["apply", "-f", "-"], manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_requests_that_are_no_reviews() {
    let env = start("door-requests").await;
    let address = env.installed.webhook().unwrap();
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
            // The connection may break before the response if the server did not read the whole request.
            let (status, output) = eventually(Duration::from_mins(1), &case, async || {
                post(address, method, path, kind, body).await
            })
            .await;
            assert_eq!(status, expected, "{case}: {output}");
            assert!(!output.contains(CANARY), "{case}: {output}");
        }
    }
    assert!(!env.logs().contains(CANARY), "{}", env.logs());
    section("an object that is too large is refused before it is parsed");
    let mut huge = record("huge", &json!([]));
    let entry = json!({"name": "A", "value": CANARY.repeat(4)});
    huge["spec"]["services"][0]["configuration"] = json!(vec![entry; 20_000]);
    let message = apply(&env, &huge.to_string()).unwrap_err();
    assert!(
        message.contains("at most 1048576 bytes are allowed"),
        "{message}"
    );

    // The webhook still serves the API server.
    let good = workflow(PROJECT, "good", &json!({"product": "any"}));
    let applied = env.apply(&good).await;
    assert!(applied["metadata"]["annotations"]["registry.fuseml.io/author"].is_string());
    env.stop().await;
}

/// Returns manifests that are invalid because of YAML or the pipeline, the expected parts of the message, and
/// whether an API server without the webhook stores them.
fn invalid_manifests() -> [(&'static str, String, [&'static str; 2], bool); 6] {
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
            "an invalid range",
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
            "two requirements that set the same variable",
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
async fn rejects_invalid_manifests_with_field_and_hint() {
    let env = start("door-refused").await;
    let mut wrong = Vec::new();
    for (case, manifest, expected, _) in invalid_manifests() {
        let output = apply(&env, &manifest);
        println!("{case}: {output:?}");
        let is_right = output.as_ref().is_err_and(|output| {
            expected.iter().all(|part| output.contains(part))
                && !output.contains("471.19")
                && !output.contains("47114711")
        });
        if !is_right {
            wrong.push((case, output));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    section("invalid objects that are already stored can be labelled and deleted");
    for (case, manifest, expected, _) in invalid_manifests().into_iter().filter(|bad| bad.3) {
        let saved: Vec<String> = CONFIGURATIONS
            .iter()
            .map(|kind| recreatable_configuration(&env, kind))
            .collect();
        for kind in CONFIGURATIONS {
            run(&env, &["delete", kind, OWN], "").unwrap();
        }
        eventually(Duration::from_mins(1), case, async || {
            apply(&env, &manifest)
        })
        .await;
        for configuration in saved {
            run(&env, &["create", "-f", "-"], &configuration).unwrap();
        }
        let other = manifest.replace("name: bad", "name: worse");
        eventually(
            Duration::from_mins(1),
            "the webhook is called again",
            async || match apply(&env, &other) {
                Err(output) if output.contains(expected[0]) => Ok(()),
                output => {
                    let _ = run(&env, &["delete", "workflow", "worse", "-n", PROJECT], "");
                    Err(format!("{output:?}"))
                }
            },
        )
        .await;
        run(
            &env,
            &["label", "workflow", "bad", "a=b", "-n", PROJECT],
            "",
        )
        .unwrap();
        let changed = manifest.replace("image: i", "image: other");
        assert!(apply(&env, &changed).is_err(), "{case}");
        run(&env, &["delete", "workflow", "bad", "-n", PROJECT], "").unwrap();
    }
    env.stop().await;
}

/// Returns a webhook configuration as a manifest that can be created again.
fn recreatable_configuration(env: &TestEnv, kind: &str) -> String {
    let stored = run(env, &["get", kind, OWN, "-o", "json"], "").unwrap();
    let mut stored: Value = serde_json::from_str(&stored).unwrap();
    stored["metadata"] = json!({"name": OWN, "labels": stored["metadata"]["labels"]});
    stored.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_webhook_blocks_only_registry_kinds() {
    let mut env = start("door-away").await;
    env.source("extension-registry-records", "shared", "p-1")
        .await;
    env.apply(&record("shared", &from_secret("shared"))).await;
    let flow = workflow(PROJECT, "flow", &json!({"product": "shared"}));
    env.apply(&flow).await;
    env.wait_until_ready(PROJECT, "flow").await;
    let secret = secret_name("shared", "main");
    let rendered = env.get("Secret", PROJECT, &secret).await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": PROJECT, "name": "default"}});
    let _ = apply(&env, &account.to_string());
    env.kill_operator();

    section("registry objects cannot be written");
    let mut changed = flow.clone();
    changed["spec"]["steps"][0]["image"] = json!("other");
    let refused = [
        workflow(PROJECT, "new", &json!({"product": "shared"})),
        changed,
        record("new", &json!([{"name": "main"}])),
        support::own(record("new", &json!([{"name": "main"}])), PROJECT),
    ];
    for object in refused {
        let output = apply(&env, &object.to_string()).unwrap_err();
        assert!(
            output.contains("failed calling webhook") && output.contains("registry.fuseml.io"),
            "{output}"
        );
        println!("{}", output.trim());
    }

    section("other objects can be written");
    let metadata = json!({"namespace": PROJECT, "name": "other"});
    for other in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": metadata, "spec": {"pipelineRef": {"name": "other"}}}),
    ] {
        apply(&env, &other.to_string()).unwrap();
    }
    run(
        &env,
        &["get", "workflows,extensions,clusterextensions", "-A"],
        "",
    )
    .unwrap();
    let after = env.get("Secret", PROJECT, &secret).await;
    assert_eq!(after["data"], rendered["data"]);
    assert!(!after["data"].is_null());
    run(&env, &["delete", "workflow", "flow", "-n", PROJECT], "").unwrap();
    run(&env, &["delete", "clusterextension", "shared"], "").unwrap();

    section("the webhook works immediately after a start");
    for start in 0..5 {
        env.start_operator();
        for count in 0..20 {
            let mut object = flow.clone();
            object["spec"]["steps"][0]["image"] = json!(format!("i:{start}-{count}"));
            if let Err(error) = env.try_apply(&object).await {
                panic!("start {start}, apply {count}: {error}");
            }
        }
        if start < 4 {
            env.kill_operator();
        }
    }
    env.stop().await;
}
