//! Who may change a record with sealed values, and what the webhook reveals and creates.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
#[path = "support/sealing.rs"]
mod sealing;
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use door::{Said, canary, kubectl, post};
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use sealing::{apply, entries, run, sealed, secrets, with_value};
use serde_json::{Value, json};
use support::{Lab, condition, eventually, own, record, section, text};

const PROJECT: &str = "sealing";
/// A Secret that the operator may not read at first.
const UNGRANTED: &str = "ungranted";

#[tokio::test(flavor = "multi_thread")]
async fn sealed_values_are_guarded() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut lab = Lab::with_webhook("sealing-access", options, &[], &[]).await;
    lab.unreadable.push(UNGRANTED.to_owned());
    lab.namespace(PROJECT);
    only_who_knows_the_values_changes_a_record(&lab).await;
    only_readers_refer(&lab).await;
    copied(&lab).await;
    unauthenticated(&lab).await;
    lab.stop().await;
}

/// Changes a record as another user, by a JSON patch.
fn as_ada(lab: &Lab, name: &str, patch: &Value) -> Said {
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
    kubectl(&lab.cluster, &arguments, "")
}

async fn only_who_knows_the_values_changes_a_record(lab: &Lab) {
    section("who neither knows the values of a record nor may use them cannot change it");
    lab.cluster
        .apply(
            r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "writer"},
            "rules": [{"apiGroups": ["registry.fuseml.io"], "resources": ["extensions", "clusterextensions"], "verbs": ["*"]}]}"#,
        )
        .unwrap();
    run(
        lab,
        "kubectl create clusterrolebinding writer --clusterrole=writer --user=ada",
    );

    let mine = own(with_value("guarded", &canary("guarded")), PROJECT);
    apply(lab, &[], &mine).unwrap();
    let stored = lab.get("Extension", PROJECT, "guarded").await;
    let url = "/spec/services/0/endpoints/0/url";
    let elsewhere =
        |url: &str| json!([{"op": "replace", "path": url, "value": "https://evil.example.org"}]);
    let said = as_ada(lab, "guarded", &elsewhere(url)).unwrap_err();
    for part in [
        "ada may not use sealed values",
        "spec.services[store].credentials[main].configuration[KEY].valueFrom.sealed",
        "apply the record with `value` instead of `valueFrom`",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
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
    kubectl(&lab.cluster, &dry, "").unwrap_err();
    // Labels are not the record.
    as_ada(
        lab,
        "guarded",
        &json!([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]),
    )
    .unwrap();
    // One value of her own does not make up for the other.
    let field = "/spec/services/0/credentials/0/configuration/0/value";
    as_ada(
        lab,
        "guarded",
        &json!([{"op": "add", "path": field, "value": "hers"}]),
    )
    .unwrap_err();
    let after = lab.get("Extension", PROJECT, "guarded").await;
    assert_eq!(after["spec"], stored["spec"]);

    // The author needs no value, and the permission that the refusal names is sufficient.
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
    kubectl(&lab.cluster, &arguments, "").unwrap();
    let (_, commands) = said.split_once("grant the permission: ").unwrap();
    run(lab, commands);
    eventually(Duration::from_secs(10), "she may", async || {
        as_ada(lab, "guarded", &elsewhere(url))
    })
    .await;
    let after = lab.get("Extension", PROJECT, "guarded").await;
    assert_eq!(entries(&after), entries(&stored));

    // With every value supplied again there is nothing left that she does not know.
    apply(
        lab,
        &[],
        &own(with_value("open-to-her", &canary("guarded")), PROJECT),
    )
    .unwrap();
    let mut hers = own(with_value("open-to-her", &canary("hers")), PROJECT);
    hers["spec"]["services"][0]["endpoints"][0]["url"] = json!("https://new.example.org");
    apply(lab, &["--as=ada"], &hers).unwrap();
    as_ada(lab, "open-to-her", &elsewhere(url)).unwrap();
}

async fn only_readers_refer(lab: &Lab) {
    section("who may not read a Secret cannot refer to it, and does not learn whether it exists");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": PROJECT, "name": UNGRANTED}});
    lab.apply(&secret).await;
    let refer = |secret: &str| {
        let set = json!([{"name": "main", "secretRef": {"name": secret}}]);
        apply(lab, &["--as=ada"], &own(record("refers", &set), PROJECT))
    };
    let there = refer(UNGRANTED).unwrap_err();
    let absent = refer("absent").unwrap_err();
    assert_eq!(there.replace(UNGRANTED, "absent"), absent);
    // The way out that the text names is one.
    let role = "kubectl create role read-ungranted -n sealing --verb=get --resource=secrets --resource-name=ungranted && kubectl create rolebinding read-ungranted -n sealing --role=read-ungranted --user=ada";
    assert!(there.contains(role), "{there}");
    run(lab, role);
    eventually(Duration::from_secs(10), "she may", async || {
        refer(UNGRANTED)
    })
    .await;
    // The operator may not read it either, and says how it could.
    let key = ("Extension", PROJECT, "refers");
    let denied = lab
        .until(key, "is denied", |object| {
            text(&condition(object, "Ready")["message"]).contains("not allowed to read")
        })
        .await;
    let message = text(&condition(&denied, "Ready")["message"]);
    assert!(message.contains("--serviceaccount=extension-registry:extension-registry"));
    let (_, commands) = message.split_once("grant access: ").unwrap();
    run(lab, commands);
    lab.until(key, "is ready", |object| {
        condition(object, "Ready")["status"] == "True"
    })
    .await;
}

async fn copied(lab: &Lab) {
    section("a sealed value is valid for its own record and entry only, and cannot be copied");
    apply(lab, &[], &with_value("owner", &canary("owner"))).unwrap();
    let owner = lab.get("ClusterExtension", "", "owner").await;
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
            let said = apply(lab, who, &object).unwrap_err();
            for part in [
                "valueFrom.sealed: cannot decrypt sealed value",
                "hint: apply the record again with `value` instead of `valueFrom`",
            ] {
                assert!(said.contains(part), "{part} is not in {said}");
            }
        }
    }
    let after = lab.get("ClusterExtension", "", "owner").await;
    assert_eq!(after["spec"], owner["spec"]);
}

/// Sends a request to write a record to the mutating webhook, as any client that reaches it can. The
/// patch of the answer; an error when the request is refused.
async fn review(
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
    let (status, answer) = post(
        address,
        "POST",
        "/mutate/records",
        "application/json",
        &body.to_string(),
    )
    .await?;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let answer = &answer["response"];
    if answer["allowed"] != true {
        return Err(answer["status"]["message"].to_string());
    }
    let bytes: Vec<u8> = serde_json::from_value(answer["patch"].clone()).unwrap();
    Ok(serde_json::from_slice(&bytes).unwrap())
}

async fn unauthenticated(lab: &Lab) {
    section("a client of the webhook creates nothing and learns nothing");
    let address = lab.installed.webhook().unwrap();
    let right = canary("right");
    let kind = "ClusterExtension";
    apply(lab, &[], &with_value("guessed", &right)).unwrap();
    let stored = lab.get(kind, "", "guessed").await;
    let known = secrets(lab).await;
    let records = lab.list(kind, "").await.len();
    for number in 0..20 {
        let object = with_value(&format!("flood-{number}"), &"x".repeat(60_000));
        review(address, "system:admin", &object, &Value::Null, false)
            .await
            .unwrap();
    }
    let guess = async |number: usize, value: &str| {
        let mut object = stored.clone();
        object["spec"] = with_value("guessed", value)["spec"].clone();
        let patch = review(
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
    assert!(guess(0, &right).await, "the comparison is there");
    let mut is_revealed = false;
    for number in 0..600 {
        is_revealed |= guess(number, &format!("guess-{number}")).await;
    }
    assert!(!is_revealed);
    assert!(
        !guess(600, &right).await,
        "600 guesses later the right one is revealed"
    );
    assert_eq!(secrets(lab).await, known, "the webhook creates no Secret");
    assert_eq!(lab.list(kind, "").await.len(), records);
    // The record is applied all the same; only its text is another one.
    apply(lab, &[], &with_value("guessed", &right)).unwrap();
    assert!(!lab.logs().contains(door::CANARY));
}
