//! The policies on Secrets: what a stolen token of the operator and other users cannot do. Each clause has an
//! object that violates only that clause. Names and owners are tested in `admit_policies_kinds`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

#[path = "support/users.rs"]
mod users;

#[path = "admit_policy_secrets/samples.rs"]
mod samples;

use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::{NAMESPACE, RECORDS_NAMESPACE};
use extension_registry_e2e::{Cluster, Installed, Options};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use samples::{opaque, projection, rendered, sealed};
use serde_json::{Value, json};
use users::{create, create_dry, objects};

const PROJECT: &str = "policies";
const CANARY: &str = "canary-5f1c9e77";

/// Changes one field of an object.
type Mutation = fn(&mut Value);

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_writes_rendered_secrets() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    let operator = users::operator(&installed).await;
    let admin = cluster.client();
    wait_for_policies(&operator, &admin).await;
    operator_creates_only_rendered_secrets(&operator).await;
    operator_cannot_change_foreign_secrets(&operator, &admin).await;
    operator_cannot_read_rendered_secrets(&operator, &admin).await;
    operator_writes_only_keys_in_its_namespace(&operator).await;
    operator_cannot_write_source_secrets(&operator, &admin).await;
    users_cannot_write_rendered_secrets(&operator, &admin).await;
    users_cannot_block_changes_of_rendered_secrets(&admin).await;
    if !cluster.is_owned() {
        let _ = cluster.kubectl_run(&["delete", "namespace", PROJECT, "--wait=false"]);
    }
    cluster.stop().await.unwrap();
}

fn section(rule: &str) {
    println!("--- {rule}");
}

fn secrets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    objects(client, "v1", "Secret", namespace)
}

/// Waits until the new policies are active, some hundred milliseconds after their creation. Other refusals, such as that
/// of a role that is not observed yet, do not count.
async fn wait_for_policies(operator: &Client, admin: &Client) {
    let mut untyped = rendered("ext-wait", "u");
    untyped["type"] = json!("Opaque");
    let start = Instant::now();
    for (client, object, expected) in [
        (operator, untyped, "must have a type with the prefix"),
        (
            admin,
            rendered("ext-wait", "u"),
            "only the registry operator can create Secrets",
        ),
    ] {
        loop {
            let tried = create_dry(client, &object).await;
            if matches!(&tried, Err(message) if message.contains(expected)) {
                break;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "{tried:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Asserts that each mutation is refused with its own message.
async fn mutations_are_refused(client: &Client, good: &Value, mutations: &[(Mutation, &str)]) {
    create_dry(client, good)
        .await
        .expect("the good object passes");
    for (change, expected) in mutations {
        let mut bad = good.clone();
        change(&mut bad);
        let message = create_dry(client, &bad).await.expect_err(expected);
        assert!(
            message.contains(expected),
            "{expected} is not in: {message}"
        );
    }
}

async fn operator_creates_only_rendered_secrets(operator: &Client) {
    section("the operator creates only Secrets as it renders them");
    let mutations: [(Mutation, &str); 13] = [
        (
            |o| o["metadata"]["ownerReferences"][0]["apiVersion"] = json!("registry.fuseml.io/v9"),
            "the only owner of a rendered Secret",
        ),
        (
            |o| o["type"] = json!("Opaque"),
            "must have a type with the prefix servicebinding.io/",
        ),
        (
            |o| {
                o["type"] = json!("kubernetes.io/service-account-token");
                o["metadata"]["annotations"] =
                    json!({"kubernetes.io/service-account.name": "default"});
            },
            "must have a type with the prefix servicebinding.io/",
        ),
        (
            |o| {
                o["metadata"]["name"] = json!("other");
                o["metadata"]["ownerReferences"][0]["name"] = json!("other");
            },
            "name of a rendered Secret must have the prefix ext-",
        ),
        (
            |o| o["metadata"]["labels"] = json!({}),
            "must have the label registry.fuseml.io/managed-by",
        ),
        (
            |o| o["metadata"]["labels"]["registry.fuseml.io/managed-by"] = json!("me"),
            "must have the label registry.fuseml.io/managed-by",
        ),
        (
            |o| o["metadata"]["labels"]["app"] = json!("x"),
            "must not have other labels",
        ),
        (
            |o| o["metadata"]["annotations"] = json!({"a": "b"}),
            "metadata.annotations: a rendered Secret must not have annotations",
        ),
        (
            |o| o["metadata"]["finalizers"] = json!(["a.b/c"]),
            "metadata.finalizers: a rendered Secret must not have finalizers",
        ),
        (
            |o| o["immutable"] = json!(true),
            "immutable: a rendered Secret must not be immutable",
        ),
        (
            |o| o["metadata"]["ownerReferences"] = json!([]),
            "the only owner of a rendered Secret",
        ),
        (
            |o| o["metadata"]["ownerReferences"][0]["kind"] = json!("Workflow"),
            "the only owner of a rendered Secret",
        ),
        (
            |o| {
                let mut second = o["metadata"]["ownerReferences"][0].clone();
                second["uid"] = json!("other");
                second["controller"] = json!(false);
                o["metadata"]["ownerReferences"]
                    .as_array_mut()
                    .unwrap()
                    .push(second);
            },
            "the only owner of a rendered Secret",
        ),
    ];
    mutations_are_refused(operator, &rendered("ext-good", "u"), &mutations).await;
    let mut variables = rendered("ext-good", "u");
    variables["metadata"]["name"] = json!("ext-good.env");
    create_dry(operator, &variables)
        .await
        .expect("the variables of a binding have the owner of its files");
    for (name, field, value) in [
        ("ext-good", "apiVersion", "v1"),
        ("ext-good", "name", "ext-other"),
        ("ext-good", "name", "ext-good.env"),
        ("ext-good.env", "name", "ext-other"),
        ("ext-good.environment", "name", "ext-good"),
        ("ext-good.env.env", "name", "ext-good"),
    ] {
        let mut bad = rendered("ext-good", "u");
        bad["metadata"]["name"] = json!(name);
        bad["metadata"]["ownerReferences"][0][field] = json!(value);
        let message = create_dry(operator, &bad).await.unwrap_err();
        assert!(
            message.contains("the only owner of a rendered Secret"),
            "{message}"
        );
    }
}

async fn operator_cannot_change_foreign_secrets(operator: &Client, admin: &Client) {
    section("the operator cannot replace or delete Secrets that it did not render");
    let mut unlabelled = rendered("ext-unlabelled", "u");
    unlabelled["metadata"]["labels"] = json!({});
    unlabelled["metadata"]["ownerReferences"] = json!([]);
    for (squatter, on_replace, on_delete) in [
        (
            opaque(PROJECT, "ext-opaque"),
            "field is immutable",
            "was not rendered by the registry operator",
        ),
        (
            unlabelled,
            "does not have the label registry.fuseml.io/managed-by",
            "does not have the label registry.fuseml.io/managed-by",
        ),
    ] {
        let name = squatter["metadata"]["name"].as_str().unwrap().to_owned();
        create(admin, &squatter, &PostParams::default())
            .await
            .unwrap();
        let api = secrets(operator, PROJECT);
        let object = serde_json::from_value(rendered(&name, "u")).unwrap();
        let replaced = api.replace(&name, &PostParams::default(), &object).await;
        let message = replaced.unwrap_err().to_string();
        assert!(message.contains(on_replace), "{message}");
        assert!(!message.contains(CANARY));
        let deleted = api.delete(&name, &DeleteParams::default()).await;
        let message = deleted.map(drop).unwrap_err().to_string();
        assert!(message.contains(on_delete), "{message}");
        secrets(admin, PROJECT)
            .get(&name)
            .await
            .expect("it is still there");
    }
}

async fn operator_cannot_read_rendered_secrets(operator: &Client, admin: &Client) {
    section("no patch or read of the operator returns a foreign value");
    create(admin, &opaque(PROJECT, "foreign"), &PostParams::default())
        .await
        .unwrap();
    let api = secrets(operator, PROJECT);
    let mut responses = vec![
        format!("{:?}", api.get("foreign").await),
        format!("{:?}", api.list(&kube::api::ListParams::default()).await),
        format!(
            "{:?}",
            api.delete_collection(&DeleteParams::default(), &kube::api::ListParams::default())
                .await
                .map(drop)
        ),
    ];
    let copy = serde_json::from_value(json!([
        {"op": "copy", "from": "/data/password", "path": "/metadata/labels"}
    ]))
    .unwrap();
    let apply = json!({"apiVersion": "v1", "kind": "Secret"});
    let patches = [
        Patch::Merge(json!({})),
        Patch::Strategic(json!({})),
        Patch::Json(copy),
        Patch::Apply(apply),
    ];
    for patch in &patches {
        for dry_run in [false, true] {
            let mut parameters = PatchParams::default();
            if matches!(patch, Patch::Apply(_)) {
                parameters = PatchParams::apply("thief").force();
            }
            parameters.dry_run = dry_run;
            responses.push(format!(
                "{:?}",
                api.patch("foreign", &parameters, patch).await
            ));
        }
    }
    let encoded = "Y2FuYXJ5";
    for response in responses {
        assert!(response.contains("code: 403"), "{response}");
        assert!(
            !response.contains(CANARY) && !response.contains(encoded),
            "{response}"
        );
    }
}

async fn operator_writes_only_keys_in_its_namespace(operator: &Client) {
    section("in its own namespace the operator writes only its keys");
    let key = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"namespace": NAMESPACE, "name": "extension-registry-digest-key"},
    });
    let mutations: [(Mutation, &str); 3] = [
        (
            |o| o["metadata"]["name"] = json!("another"),
            "may only write the Secrets extension-registry-digest-key",
        ),
        // The operator serves this certificate, but does not create one.
        (
            |o| o["metadata"]["name"] = json!("extension-registry-webhook-certificate"),
            "may only write the Secrets extension-registry-digest-key",
        ),
        (
            |o| o["type"] = json!("example.org/other"),
            "type: keys of the registry operator must be of type Opaque",
        ),
    ];
    mutations_are_refused(operator, &key, &mutations).await;
    let api = secrets(operator, NAMESPACE);
    let release = "sh.helm.release.v1.extension-registry.v1";
    let message = api.delete(release, &DeleteParams::default()).await;
    let message = message.map(drop).unwrap_err().to_string();
    assert!(
        message.contains("may not delete Secrets in its own namespace"),
        "{message}"
    );
    let keys = opaque(NAMESPACE, "extension-registry-sealing-keys");
    create(operator, &keys, &PostParams::default())
        .await
        .unwrap();
    let mut keys = api.get("extension-registry-sealing-keys").await.unwrap();
    keys.data["data"] = json!({});
    let parameters = PostParams::default();
    let name = "extension-registry-sealing-keys";
    let replaced = api.replace(name, &parameters, &keys).await;
    let message = replaced.unwrap_err().to_string();
    assert!(message.contains("but not update it"), "{message}");
}

async fn operator_cannot_write_source_secrets(operator: &Client, admin: &Client) {
    section("in the records namespace the operator writes no Secrets");
    let refusal = "the registry operator may not write Secrets in the records namespace";
    let mut rendered = rendered("ext-any", "u");
    rendered["metadata"]["namespace"] = json!(RECORDS_NAMESPACE);
    let opaque = opaque(RECORDS_NAMESPACE, "of-a-person");
    for object in [&rendered, &sealed("sealed-any"), &opaque] {
        let message = create_dry(operator, object).await.unwrap_err();
        assert!(message.contains(refusal), "{message}");
    }
    create(admin, &opaque, &PostParams::default())
        .await
        .unwrap();
    let api = secrets(operator, RECORDS_NAMESPACE);
    let mut own = api.get("of-a-person").await.unwrap();
    own.data["data"] = json!({});
    let parameters = PostParams::default();
    let replaced = api.replace("of-a-person", &parameters, &own).await;
    let message = replaced.unwrap_err().to_string();
    assert!(message.contains(refusal), "{message}");
    let deleted = api.delete("of-a-person", &DeleteParams::default()).await;
    let message = deleted.map(drop).unwrap_err().to_string();
    assert!(message.contains(refusal), "{message}");
    secrets(admin, RECORDS_NAMESPACE)
        .delete("of-a-person", &DeleteParams::default())
        .await
        .map(drop)
        .unwrap();
}

async fn users_cannot_write_rendered_secrets(operator: &Client, admin: &Client) {
    section("no other user can create or change a rendered Secret, including administrators");
    let refusal = "only the registry operator can create Secrets that have the label";
    for object in [rendered("ext-forged", "u"), sealed("sealed-forged")] {
        let message = create_dry(admin, &object).await.unwrap_err();
        assert!(message.contains(refusal), "{message}");
    }
    create(operator, &projection("ext-kept"), &PostParams::default())
        .await
        .unwrap();
    let owner = objects(
        admin,
        "registry.fuseml.io/v1alpha1",
        "ExtensionProjection",
        PROJECT,
    )
    .get("ext-kept")
    .await
    .unwrap();
    let uid = owner.metadata.uid.unwrap();
    create(
        operator,
        &rendered("ext-kept", &uid),
        &PostParams::default(),
    )
    .await
    .unwrap();
    let api = secrets(admin, PROJECT);
    let label = "can add, change or remove the labels";
    let data = "is rendered by the registry operator";
    let strip = serde_json::from_value(json!([
        {"op": "remove", "path": "/metadata/labels/registry.fuseml.io~1managed-by"}
    ]))
    .unwrap();
    let apply = json!({"apiVersion": "v1", "kind": "Secret", "data": {"uri": "eQ=="}});
    for (name, patch, expected) in [
        (
            "ext-kept",
            Patch::Merge(json!({"data": {"uri": "eQ=="}})),
            data,
        ),
        (
            "ext-kept",
            Patch::Merge(json!({"stringData": {"more": "y"}})),
            data,
        ),
        ("ext-kept", Patch::Merge(json!({"data": null})), data),
        ("ext-kept", Patch::Apply(apply), data),
        ("ext-kept", Patch::Json(strip), label),
        (
            "ext-kept",
            Patch::Merge(json!({"metadata": {"labels": {"registry.fuseml.io/managed-by": "me"}}})),
            label,
        ),
        (
            "foreign",
            Patch::Merge(
                json!({"metadata": {"labels": {"registry.fuseml.io/managed-by": "extension-registry"}}}),
            ),
            label,
        ),
        (
            "foreign",
            Patch::Merge(json!({"metadata": {"labels": {"registry.fuseml.io/sealed": "true"}}})),
            label,
        ),
    ] {
        let parameters = match patch {
            Patch::Apply(_) => PatchParams::apply("somebody").force(),
            _ => PatchParams::default(),
        };
        let message = api
            .patch(name, &parameters, &patch)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(expected),
            "{expected} is not in: {message}"
        );
    }
    // Permitted changes of other users.
    let note = Patch::Merge(json!({"metadata": {"annotations": {"a": "b"}}}));
    api.patch("ext-kept", &PatchParams::default(), &note)
        .await
        .unwrap();
    api.patch(
        "foreign",
        &PatchParams::default(),
        &Patch::Merge(json!({"data": {"x": "eQ=="}})),
    )
    .await
    .unwrap();
    // The operator replaces the whole Secret, including annotations.
    let object = serde_json::from_value(rendered("ext-kept", &uid)).unwrap();
    let replaced = secrets(operator, PROJECT)
        .replace("ext-kept", &PostParams::default(), &object)
        .await
        .unwrap();
    assert!(replaced.metadata.annotations.is_none());
}

async fn users_cannot_block_changes_of_rendered_secrets(admin: &Client) {
    section("no other user can block changes or deletion of a rendered Secret");
    for (patch, expected) in [
        (
            json!({"immutable": true}),
            "immutable: the registry operator",
        ),
        (
            json!({"metadata": {"finalizers": ["example.org/hold"]}}),
            "metadata.finalizers: the registry operator",
        ),
    ] {
        let message = secrets(admin, PROJECT)
            .patch("ext-kept", &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(expected),
            "{expected} is not in: {message}"
        );
    }
}
