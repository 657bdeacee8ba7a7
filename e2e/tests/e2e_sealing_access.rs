//! Which users may change a record with sealed values, and what the webhook reveals and creates.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/sealing.rs"]
mod sealing;
mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::net::SocketAddr;
use std::time::Duration;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use sealing::{apply, entries, run, sealed, secrets, with_value};
use serde_json::{Value, json};
use support::{TestEnv, condition, eventually, own, record, section, text};
use webhook::{KubectlResult, canary, kubectl, post};

const PROJECT: &str = "sealing";
/// A Secret that the operator is initially not allowed to read.
const UNGRANTED: &str = "ungranted";

#[tokio::test(flavor = "multi_thread")]
async fn record_changes_require_sealed_values() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut env = TestEnv::with_webhook("sealing-access", options, &[], &[]).await;
    env.unreadable.push(UNGRANTED.to_owned());
    env.namespace(PROJECT);
    only_users_who_know_the_values_change_a_record(&env).await;
    secret_reference_requires_read_permission(&env).await;
    sealed_value_cannot_be_copied(&env).await;
    unauthenticated_client_gains_nothing(&env).await;
    env.stop().await;
}

/// Changes a record as `ada` by a JSON patch.
fn patch_as_ada(env: &TestEnv, name: &str, patch: &Value) -> KubectlResult {
    let patch = patch.to_string();
    let arguments = [
        "patch",
        "ext",
        name,
        "-n",
        PROJECT,
        "--as=ada",
        "--type=json",
        "-p",
        &patch,
    ];
    kubectl(&env.cluster, &arguments, "")
}

async fn only_users_who_know_the_values_change_a_record(env: &TestEnv) {
    section("a user who neither knows the values of a record nor may use them cannot change it");
    env.cluster
        .apply(
            r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "writer"},
            "rules": [{"apiGroups": ["registry.fuseml.io"], "resources": ["extensions", "clusterextensions"], "verbs": ["*"]}]}"#,
        )
        .unwrap();
    run(
        env,
        "kubectl create clusterrolebinding writer --clusterrole=writer --user=ada",
    );
    // The API server observes the binding with a delay, and until then refuses her requests for another reason.
    let can = ["auth", "can-i", "patch", "extensions.registry.fuseml.io"];
    let can = [&can[..], &["-n", PROJECT, "--as=ada"]].concat();
    eventually(support::TIMEOUT, "she may write records", async || {
        kubectl(&env.cluster, &can, "")
    })
    .await;

    let mine = own(with_value("guarded", &canary("guarded")), PROJECT);
    apply(env, &[], &mine).unwrap();
    let stored = env.get("Extension", PROJECT, "guarded").await;
    let url = "/spec/services/0/endpoints/0/url";
    let elsewhere =
        |url: &str| json!([{"op": "replace", "path": url, "value": "https://evil.example.org"}]);
    let output = patch_as_ada(env, "guarded", &elsewhere(url)).unwrap_err();
    for part in [
        "ada may not use sealed values",
        "spec.services[store].credentials[main].configuration[KEY].valueFrom.sealed",
        "apply the record with `value` instead of `valueFrom`",
    ] {
        assert!(output.contains(part), "{part} is not in {output}");
    }
    // A dry run is refused as well.
    let dry = [
        "patch",
        "ext",
        "guarded",
        "-n",
        PROJECT,
        "--as=ada",
        "--dry-run=server",
        "--type=merge",
        "-p",
        r#"{"spec": {"zone": "z"}}"#,
    ];
    kubectl(&env.cluster, &dry, "").unwrap_err();
    // Changes of labels require no values.
    patch_as_ada(
        env,
        "guarded",
        &json!([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]),
    )
    .unwrap();
    // Supplying one value does not replace the other.
    let field = "/spec/services/0/credentials/0/configuration/0/value";
    patch_as_ada(
        env,
        "guarded",
        &json!([{"op": "add", "path": field, "value": "hers"}]),
    )
    .unwrap_err();
    let after = env.get("Extension", PROJECT, "guarded").await;
    assert_eq!(after["spec"], stored["spec"]);

    // The author needs no values, and the permission that the refusal names is sufficient.
    let patch = elsewhere(url).to_string().replace("evil", "moved");
    let arguments = [
        "patch",
        "ext",
        "guarded",
        "-n",
        PROJECT,
        "--type=json",
        "-p",
        &patch,
    ];
    kubectl(&env.cluster, &arguments, "").unwrap();
    let (_, commands) = output.split_once("grant the permission: ").unwrap();
    run(env, commands);
    eventually(Duration::from_mins(1), "she may", async || {
        patch_as_ada(env, "guarded", &elsewhere(url))
    })
    .await;
    let after = env.get("Extension", PROJECT, "guarded").await;
    assert_eq!(entries(&after), entries(&stored));

    // If she supplies all values again, there is no value that she does not know.
    apply(
        env,
        &[],
        &own(with_value("open-to-her", &canary("guarded")), PROJECT),
    )
    .unwrap();
    let mut replacement = own(with_value("open-to-her", &canary("hers")), PROJECT);
    replacement["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://new.example.org");
    apply(env, &["--as=ada"], &replacement).unwrap();
    patch_as_ada(env, "open-to-her", &elsewhere(url)).unwrap();
}

async fn secret_reference_requires_read_permission(env: &TestEnv) {
    section("a user without read permission cannot refer to a Secret, nor learn whether it exists");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": PROJECT, "name": UNGRANTED}});
    env.apply(&secret).await;
    let refer = |secret: &str| {
        let set = json!([{"name": "main", "secretRef": {"name": secret}}]);
        apply(env, &["--as=ada"], &own(record("refers", &set), PROJECT))
    };
    let there = refer(UNGRANTED).unwrap_err();
    let absent = refer("absent").unwrap_err();
    assert_eq!(there.replace(UNGRANTED, "absent"), absent);
    // The hint of the message works.
    let role = "kubectl create role read-ungranted -n sealing --verb=get --resource=secrets --resource-name=ungranted && kubectl create rolebinding read-ungranted -n sealing --role=read-ungranted --user=ada";
    assert!(there.contains(role), "{there}");
    run(env, role);
    eventually(Duration::from_mins(1), "she may", async || refer(UNGRANTED)).await;
    // The operator is not allowed to read it either, and reports how to grant that.
    let key = ("Extension", PROJECT, "refers");
    let denied = env
        .wait_until(key, "is denied", |object| {
            text(&condition(object, "Ready")["message"]).contains("not allowed to read")
        })
        .await;
    let message = text(&condition(&denied, "Ready")["message"]);
    assert!(message.contains("--serviceaccount=extension-registry:extension-registry"));
    let (_, commands) = message.split_once("grant access: ").unwrap();
    run(env, commands);
    env.wait_until(key, "is ready", |object| {
        condition(object, "Ready")["status"] == "True"
    })
    .await;
}

async fn sealed_value_cannot_be_copied(env: &TestEnv) {
    section("a sealed value is valid for its own record and entry only, and cannot be copied");
    apply(env, &[], &with_value("owner", &canary("owner"))).unwrap();
    let owner = env.get("ClusterExtension", "", "owner").await;
    let from = &entries(&owner)[0]["valueFrom"];
    let copy = |name: &str, set: &str, entry: &str| {
        record(
            name,
            &json!([{"name": set, "configuration": [{"name": entry, "valueFrom": from}]}]),
        )
    };
    for object in [
        copy("thief", "main", "KEY"),
        own(copy("owner", "main", "KEY"), PROJECT),
        copy("owner", "other", "KEY"),
        copy("owner", "main", "OTHER"),
    ] {
        for who in [&["--as=ada"][..], &[]] {
            let output = apply(env, who, &object).unwrap_err();
            for part in [
                "valueFrom.sealed: cannot decrypt sealed value",
                "hint: apply the record again with `value` instead of `valueFrom`",
            ] {
                assert!(output.contains(part), "{part} is not in {output}");
            }
        }
    }
    let after = env.get("ClusterExtension", "", "owner").await;
    assert_eq!(after["spec"], owner["spec"]);
}

/// Sends a review of a record to the mutating webhook, as any client that reaches it can. Returns the patch
/// of the response; an error if the request is refused.
async fn send_review(
    address: SocketAddr,
    user: &str,
    object: &Value,
    old: &Value,
    dry_run: bool,
) -> Result<Value, String> {
    let resource = json!({"group": "registry.fuseml.io", "version": "v1alpha1", "resource": "clusterextensions"});
    let kind =
        json!({"group": "registry.fuseml.io", "version": "v1alpha1", "kind": "ClusterExtension"});
    let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "name": object["metadata"]["name"], "operation": if old.is_null() { "CREATE" } else { "UPDATE" },
        "userInfo": {"username": user}, "object": object, "oldObject": old, "dryRun": dry_run,
    }});
    let (status, response) = post(
        address,
        "POST",
        "/mutate/records",
        "application/json",
        &body.to_string(),
    )
    .await?;
    assert_eq!(status, 200, "{response}");
    let response: Value = serde_json::from_str(&response).unwrap();
    let response = &response["response"];
    if response["allowed"] != true {
        return Err(response["status"]["message"].to_string());
    }
    let bytes: Vec<u8> = serde_json::from_value(response["patch"].clone()).unwrap();
    Ok(serde_json::from_slice(&bytes).unwrap())
}

async fn unauthenticated_client_gains_nothing(env: &TestEnv) {
    section("an unauthenticated client of the webhook creates nothing and learns nothing");
    let address = env.installed.webhook().unwrap();
    let right = canary("right");
    let kind = "ClusterExtension";
    apply(env, &[], &with_value("guessed", &right)).unwrap();
    let stored = env.get(kind, "", "guessed").await;
    let known = secrets(env).await;
    let records = env.list(kind, "").await.len();
    for number in 0..20 {
        let object = with_value(&format!("flood-{number}"), &"x".repeat(60_000));
        send_review(address, "system:admin", &object, &Value::Null, false)
            .await
            .unwrap();
    }
    let guess = async |number: usize, value: &str| {
        let mut object = stored.clone();
        object["spec"] = with_value("guessed", value)["spec"].clone();
        let patch = send_review(
            address,
            "system:admin",
            &object,
            &stored,
            number.is_multiple_of(2),
        )
        .await
        .unwrap();
        patch.to_string().contains(sealed(&stored))
    };
    assert!(guess(0, &right).await, "the comparison is reported");
    let mut is_revealed = false;
    for number in 0..600 {
        is_revealed |= guess(number, &format!("guess-{number}")).await;
    }
    assert!(!is_revealed);
    // Every six seconds a guess is allowed, which may be this one; the next wrong guess uses it up.
    let mut is_hidden = false;
    for number in 600..605 {
        is_hidden |= !guess(number, &right).await;
        guess(number, "wrong").await;
    }
    assert!(is_hidden, "600 guesses later the right one is revealed");
    assert_eq!(secrets(env).await, known, "the webhook creates no Secret");
    assert_eq!(env.list(kind, "").await.len(), records);
    // The same record is applied, with another text.
    apply(env, &[], &with_value("guessed", &right)).unwrap();
    assert!(!env.logs().contains(webhook::CANARY));
}
