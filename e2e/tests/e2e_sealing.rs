//! Values of credentials are encrypted before a record is stored.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

#[path = "support/sealing.rs"]
mod sealing;
mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::collections::BTreeSet;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use sealing::{apply, data, entries, rendered_name, sealed, secrets, with_value};
use serde_json::{Value, json};
use support::{TestEnv, condition, own, record, section, text, version, workflow};
use webhook::{canary, kubectl, stored_values};

const PROJECT: &str = "sealing";

#[tokio::test(flavor = "multi_thread")]
async fn values_are_sealed_before_storage() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut env = TestEnv::with_webhook("sealing", options, &[], &[]).await;
    env.namespace(PROJECT);
    let before = webhook::revision(&env);
    second_apply_is_a_no_op(&env).await;
    changed_value_reaches_the_rendered_secret(&env).await;
    dry_run_and_refused_apply_change_nothing(&env).await;
    rejects_too_many_credentials(&env);
    rejects_record_without_name(&env);
    assert_values_were_never_stored(&env, before);
    stored_values_are_reported_and_sealed_on_write(&mut env).await;
    denied_values_are_named_with_a_hint(&mut env);
    env.stop().await;
}

async fn second_apply_is_a_no_op(env: &TestEnv) {
    section("applying the same file again changes nothing, and kubectl diff is clean");
    let known = secrets(env).await;
    for (name, how) in [("client", &[][..]), ("server", &["--server-side"])] {
        for namespaced in [false, true] {
            let mut object = with_value(name, &canary("again"));
            let (kind, namespace) = if namespaced {
                object = own(object, PROJECT);
                ("Extension", PROJECT)
            } else {
                ("ClusterExtension", "")
            };
            let output = apply(env, how, &object).unwrap();
            let hint = "spec.services[store].credentials[main]: sealed 2 values";
            assert!(output.contains(hint), "{output}");
            let stored = env.get(kind, namespace, name).await;
            for entry in entries(&stored).as_array().unwrap() {
                assert!(
                    text(&entry["valueFrom"]["sealed"]).starts_with("v1."),
                    "{entry}"
                );
                assert!(entry.get("value").is_none(), "{entry}");
            }
            let settled = env
                .wait_until((kind, namespace, name), "is ready", |object| {
                    condition(object, "Ready")["status"] == "True"
                })
                .await;
            assert!(condition(&settled, "InlineCredentials").is_null());

            let output = apply(env, how, &object).unwrap();
            assert!(!output.contains("Warning"), "{output}");
            let again = env.get(kind, namespace, name).await;
            assert_eq!(version(&again), version(&settled), "{how:?}");
            let diff = [&["diff", "-f", "-"], how].concat();
            let output = kubectl(&env.cluster, &diff, &object.to_string()).unwrap();
            assert_eq!(output, "");
            assert_eq!(
                version(&env.get(kind, namespace, name).await),
                version(&settled)
            );
            let replace = ["replace", "-f", "-"];
            let mut versions = BTreeSet::new();
            for _ in 0..2 {
                kubectl(&env.cluster, &replace, &object.to_string()).unwrap();
                let replaced = env.get(kind, namespace, name).await;
                assert_eq!(replaced["spec"], settled["spec"]);
                versions.insert(version(&replaced).to_owned());
            }
            // The first apply also removes the annotation of `kubectl apply` and adds a field manager.
            assert_eq!(versions.len(), 1, "{versions:?}");
        }
    }
    assert_eq!(secrets(env).await, known, "sealing creates no Secret");
}

async fn changed_value_reaches_the_rendered_secret(env: &TestEnv) {
    section("the rendered Secret follows a changed value");
    let (first, second) = (canary("first"), canary("second"));
    apply(env, &["--server-side"], &with_value("rotate", &first)).unwrap();
    env.apply(&workflow(PROJECT, "uses", &json!({"product": "rotate"})))
        .await;
    env.wait_until_ready(PROJECT, "uses").await;
    let rendered = rendered_name("rotate");
    let holds = |value: &str| {
        let value = value.as_bytes().to_vec();
        move |secret: &Value| data(secret, "KEY") == value
    };
    let key = ("Secret", PROJECT, &*rendered);
    env.wait_until(key, "holds the value", holds(&first)).await;
    let counted = |object: &Value| object["status"]["consumers"] == 1;
    let record = ("ClusterExtension", "", "rotate");
    let old = env.wait_until(record, "is counted", counted).await;
    // The status is now newer than the spec, so the field managers would change their order.
    apply(env, &["--server-side"], &with_value("rotate", &first)).unwrap();
    let again = env.get("ClusterExtension", "", "rotate").await;
    assert_eq!(version(&old), version(&again));

    apply(env, &["--server-side"], &with_value("rotate", &second)).unwrap();
    env.wait_until(key, "follows", holds(&second)).await;
    let new = env.get("ClusterExtension", "", "rotate").await;
    assert_ne!(sealed(&old), sealed(&new));
}

async fn dry_run_and_refused_apply_change_nothing(env: &TestEnv) {
    section("a dry run and a refused apply change nothing");
    apply(env, &[], &with_value("steady", &canary("live"))).unwrap();
    let stored = env.get("ClusterExtension", "", "steady").await;
    let known = secrets(env).await;

    let dry = with_value("steady", &canary("dry"));
    let output = apply(env, &["--dry-run=server", "-o", "json"], &dry).unwrap();
    assert!(output.contains("\"sealed\": \"v1."), "{output}");

    let mut wrong = with_value("steady", &canary("refused"));
    wrong["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://me:pw@example.org");
    let output = apply(env, &[], &wrong).unwrap_err();
    assert!(
        output.contains("must not contain a user name or password"),
        "{output}"
    );

    for (value, output) in [
        (json!("x".repeat(1 << 19)), "65536"),
        (json!({"a": "planted-value"}), "must be of type string"),
    ] {
        let mut wrong = with_value("shapeless", "");
        wrong["spec"]["services"][0]["credentials"][0]["configuration"][0]["value"] = value;
        let refused = apply(env, &["--server-side", "--validate=false"], &wrong).unwrap_err();
        assert!(
            refused.contains(output) || refused.contains("expected string"),
            "{refused}"
        );
    }
    let after = env.get("ClusterExtension", "", "steady").await;
    assert_eq!(after["spec"], stored["spec"]);
    assert_eq!(secrets(env).await, known);
}

fn rejects_too_many_credentials(env: &TestEnv) {
    section("three thousand credentials are refused, and the largest record is not");
    let mut many = with_value("many", "");
    let one = |number: u32| json!({"name": format!("c{number}"), "configuration": [{"name": "K", "value": canary("many")}]});
    many["spec"]["services"][0]["credentials"] = (0..3_000).map(one).collect();
    let output = apply(env, &["--server-side"], &many).unwrap_err();
    assert!(
        output.contains("spec.services[].credentials: 3000 items, but at most 256"),
        "{output}"
    );
    many["spec"]["services"][0]["credentials"] = (0..65).map(one).collect();
    let output = apply(env, &["--server-side"], &many).unwrap_err();
    assert!(
        output.contains("credentials: Too many") && output.contains("at most 64 items"),
        "{output}"
    );
    assert!(!output.contains(&canary("many")));

    let mut large = with_value("large", "");
    let value = canary("large").repeat(64 * 1024 / canary("large").len());
    let one = |number: u32| json!({"name": format!("K{number}"), "value": value});
    large["spec"]["services"][0]["credentials"][0]["configuration"] = (0..3).map(one).collect();
    for how in [&[][..], &["--server-side", "--force-conflicts"]] {
        apply(env, how, &large).unwrap();
    }
}

fn rejects_record_without_name(env: &TestEnv) {
    section("a record without a name cannot be sealed");
    let mut object = with_value("x", &canary("unnamed"));
    object["metadata"] = json!({"generateName": "some-"});
    let arguments = ["create", "-f", "-"];
    let output = kubectl(&env.cluster, &arguments, &object.to_string()).unwrap_err();
    assert!(output.contains("hint: set `metadata.name`"), "{output}");
}

fn assert_values_were_never_stored(env: &TestEnv, since: i64) {
    section("no version of an object other than a Secret contained a value");
    let found = stored_values(env, since);
    if let Some((checked, found)) = found {
        println!("    {checked} versions of objects were checked");
        assert!(checked > 30, "{checked}");
        assert_eq!(found, BTreeSet::new());
    }
    let (logs, metrics) = (env.logs(), env.operator().metrics().unwrap());
    assert!(!logs.contains(webhook::CANARY) && !metrics.contains(webhook::CANARY));
}

fn restart(env: &mut TestEnv, mode: &str) {
    env.stop_operator();
    env.arguments
        .retain(|argument| !argument.starts_with("--inline-credentials"));
    env.arguments.push(format!("--inline-credentials={mode}"));
    env.start_operator();
}

async fn stored_values_are_reported_and_sealed_on_write(env: &mut TestEnv) {
    section("a record stored with values reports that, and the next write seals it");
    restart(env, "allow");
    let since = webhook::revision(env);
    let object = with_value("open", &canary("open"));
    apply(env, &[], &object).unwrap();
    let key = ("ClusterExtension", "", "open");
    let stored = env
        .wait_until(key, "reports that", |object| {
            condition(object, "InlineCredentials")["status"] == "True"
        })
        .await;
    assert!(stored.to_string().contains(webhook::CANARY));
    // The search in etcd finds an unsealed value.
    if let Some((_, found)) = stored_values(env, since) {
        let key = "/registry/registry.fuseml.io/clusterextensions/open";
        assert!(found.contains(key), "{found:?}");
    }
    assert_eq!(condition(&stored, "Ready")["status"], "True");
    assert!(!stored["status"].to_string().contains(webhook::CANARY));

    restart(env, "seal");
    env.wait_until_settled(&["ClusterExtension"]).await;
    let unchanged = env.get("ClusterExtension", "", "open").await;
    assert_eq!(version(&unchanged), version(&stored), "it is not edited");
    // `kubectl apply` sends no request, because nothing changed.
    let replace = ["replace", "-f", "-"];
    let output = kubectl(&env.cluster, &replace, &object.to_string()).unwrap();
    assert!(output.contains("sealed 2 values"), "{output}");
    let sealed = env
        .wait_until(key, "is sealed", |object| {
            condition(object, "Ready")["status"] == "True"
                && condition(object, "InlineCredentials").is_null()
        })
        .await;
    assert!(!sealed.to_string().contains(webhook::CANARY), "{sealed:#}");
}

fn denied_values_are_named_with_a_hint(env: &mut TestEnv) {
    section("if values are denied, the refusal names the fields and has a hint");
    restart(env, "deny");
    let output = apply(env, &[], &with_value("denied", &canary("denied"))).unwrap_err();
    for part in [
        "spec.services[store].credentials[main].configuration[KEY].value",
        "kubectl create secret generic",
        "secretKeyRef",
    ] {
        assert!(output.contains(part), "{part} is not in {output}");
    }
    assert!(!output.contains(webhook::CANARY), "{output}");
    let by_reference = record("denied", &support::from_secret("some"));
    apply(env, &[], &by_reference).unwrap();
    // Stored records can still be labelled.
    let label = ["label", "cext", "open", "a=b"];
    kubectl(&env.cluster, &label, "").unwrap();
}
