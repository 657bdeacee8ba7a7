//! Several field managers apply the same record with credential values.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/sealing.rs"]
mod sealing;
mod support;
#[path = "support/webhook.rs"]
mod webhook;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use sealing::{apply, entries, run};
use serde_json::{Value, json};
use support::{TestEnv, condition, list, own, record, section, text, version};
use webhook::{CANARY, KubectlResult, canary, kubectl};

const PROJECT: &str = "managers";
const KEY: &str = "spec.services[store].credentials[main].configuration[KEY]";

#[tokio::test(flavor = "multi_thread")]
async fn managers_share_a_record_with_values() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let env = TestEnv::with_webhook("sealing-managers", options, &[], &[]).await;
    env.namespace(PROJECT);
    same_file_is_no_conflict(&env).await;
    other_fields_conflict(&env);
    different_value_wins_with_warning(&env).await;
    reference_replaces_value_and_not_the_reverse(&env).await;
    removal_takes_effect_for_all_managers(&env).await;
    handed_over_services_stay(&env).await;
    no_removal_widens_access(&env).await;
    edited_values_do_not_block_a_removal(&env).await;
    users_without_the_values_cannot_remove(&env).await;
    odd_managed_fields_are_tolerated(&env).await;
    env.stop().await;
}

/// Returns a record with a set of a user and a set of a project, both with values.
fn file(name: &str) -> Value {
    let mut object = record(
        name,
        &json!([
            {"name": "main", "scope": "user", "user": ["ada", "bob"], "configuration": [
                {"name": "KEY", "value": canary("key")},
                {"name": "ID", "value": canary("id")},
            ]},
            {"name": "extra", "scope": "project", "project": [PROJECT], "configuration": [
                {"name": "TOKEN", "value": canary("token")},
            ]},
        ]),
    );
    object["spec"]["services"][0]["endpoints"] =
        json!([{"name": "out", "url": "https://store.example.org"}]);
    object
}

fn sets(object: &mut Value) -> &mut Vec<Value> {
    let sets = &mut object["spec"]["services"][0]["credentials"];
    sets.as_array_mut().unwrap()
}

/// Applies an object on the server as a field manager.
fn apply_as(env: &TestEnv, manager: &str, object: &Value) -> KubectlResult {
    let manager = format!("--field-manager={manager}");
    apply(env, &["--server-side", &manager], object)
}

/// Creates a record that `one` and `two` apply.
fn shared(env: &TestEnv, name: &str) -> Value {
    let object = file(name);
    apply_as(env, "one", &object).unwrap();
    apply_as(env, "two", &object).unwrap();
    object
}

async fn stored(env: &TestEnv, name: &str) -> Value {
    env.get("ClusterExtension", "", name).await
}

/// Returns the names of the stored sets of credentials.
async fn set_names(env: &TestEnv, name: &str) -> Vec<String> {
    let object = stored(env, name).await;
    let sets = list(&object["spec"]["services"][0]["credentials"]);
    sets.iter()
        .map(|set| text(&set["name"]).to_owned())
        .collect()
}

/// Returns the managed fields of a manager as text.
fn fields(object: &Value, manager: &str) -> String {
    let entries = list(&object["metadata"]["managedFields"]).iter();
    entries
        .filter(|entry| entry["manager"] == manager && entry["subresource"].is_null())
        .map(|entry| entry["fieldsV1"].to_string())
        .collect()
}

fn assert_output(output: &str, parts: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "{part} is not in {output}");
    }
    assert!(!output.contains(CANARY), "{output}");
}

async fn same_file_is_no_conflict(env: &TestEnv) {
    section("a second manager applies the same file: no conflict, and nothing changes");
    for (name, first) in [
        (
            "server",
            &["apply", "--server-side", "--field-manager=one", "-f", "-"][..],
        ),
        ("client", &["apply", "-f", "-"]),
        ("replaced", &["create", "-f", "-"]),
    ] {
        for namespaced in [false, true] {
            let mut object = file(name);
            let (kind, namespace) = if namespaced {
                object = own(object, PROJECT);
                ("Extension", PROJECT)
            } else {
                ("ClusterExtension", "")
            };
            kubectl(&env.cluster, first, &object.to_string()).unwrap();
            let created = env
                .wait_until((kind, namespace, name), "is ready", |object| {
                    condition(object, "Ready")["status"] == "True"
                })
                .await;
            for manager in ["one", "two"] {
                let output = apply_as(env, manager, &object).unwrap();
                assert!(!output.contains("Warning"), "{output}");
            }
            if name == "replaced" {
                kubectl(&env.cluster, &["replace", "-f", "-"], &object.to_string()).unwrap();
                apply_as(env, "one", &object).unwrap();
                apply_as(env, "two", &object).unwrap();
            }
            let shared = env.get(kind, namespace, name).await;
            assert_eq!(shared["spec"], created["spec"]);
            assert_eq!(
                shared["metadata"]["generation"],
                created["metadata"]["generation"]
            );
            for manager in ["one", "two"] {
                let fields = fields(&shared, manager);
                assert_eq!(fields.matches(r#""f:sealed":"#).count(), 3, "{fields}");
                assert!(!fields.contains(r#""f:value":"#), "{fields}");
            }
            for manager in ["one", "two", "one"] {
                apply_as(env, manager, &object).unwrap();
                let again = env.get(kind, namespace, name).await;
                assert_eq!(version(&again), version(&shared), "{name} {manager}");
            }
        }
    }
}

fn other_fields_conflict(env: &TestEnv) {
    section("a second manager that changes another field gets a conflict");
    for (field, value) in [("user", json!(["bob"])), ("scope", json!("global"))] {
        let mut object = file("server");
        sets(&mut object)[0][field] = value;
        let output = apply_as(env, "two", &object).unwrap_err();
        assert_output(
            &output,
            &[
                "conflict with \"one\"",
                &format!("credentials[name=\"main\"].{field}"),
            ],
        );
    }
    let mut object = file("server");
    sets(&mut object)[0]["user"] = json!(["ada", "bob", "ada"]);
    let forced = ["--server-side", "--force-conflicts"];
    let output = apply(env, &forced, &object).unwrap_err();
    assert_output(&output, &["credentials[0].user[2]: duplicate entry"]);
}

async fn different_value_wins_with_warning(env: &TestEnv) {
    section("a different value replaces the stored one, with a warning that names the manager");
    let same = shared(env, "differs");
    let before = stored(env, "differs").await;
    let mut other = same.clone();
    sets(&mut other)[0]["configuration"][0]["value"] = json!(canary("other"));
    let output = apply_as(env, "two", &other).unwrap();
    assert_output(
        &output,
        &[KEY, "replaced the value", "manager `one` also applies"],
    );
    let after = stored(env, "differs").await;
    assert_ne!(entries(&before)[0], entries(&after)[0]);
    assert_eq!(entries(&before)[1], entries(&after)[1]);
    let output = apply_as(env, "one", &same).unwrap();
    assert_output(&output, &["manager `two` also applies"]);
}

async fn reference_replaces_value_and_not_the_reverse(env: &TestEnv) {
    section("a reference to a Secret replaces a value, but a value does not replace the reference");
    let same = shared(env, "migrates");
    // The manager `kubectl-replace` now owns the value.
    kubectl(&env.cluster, &["replace", "-f", "-"], &same.to_string()).unwrap();
    apply_as(env, "two", &same).unwrap();
    let mut migrated = same.clone();
    let reference = json!({"secretKeyRef": {"name": "elsewhere", "key": "k"}});
    sets(&mut migrated)[0]["configuration"][0] = json!({"name": "KEY", "valueFrom": reference});
    let output = apply_as(env, "one", &migrated).unwrap();
    let sealed = format!("{KEY}.valueFrom.sealed: replaced");
    assert_output(&output, &[&sealed, "manager `two`"]);
    let object = stored(env, "migrates").await;
    assert_eq!(
        entries(&object)[0],
        json!({"name": "KEY", "valueFrom": reference})
    );

    for how in [&[][..], &["--force-conflicts"]] {
        let how = [&["--server-side", "--field-manager=two"], how].concat();
        let output = apply(env, &how, &same).unwrap_err();
        let denied = format!("{KEY}.valueFrom.secretKeyRef: field manager `one` applies");
        assert_output(&output, &[&denied, "kubectl replace"]);
    }
    assert_eq!(stored(env, "migrates").await["spec"], object["spec"]);
    // The manager of the reference may return to a value, and `kubectl replace` always may.
    apply_as(env, "two", &migrated).unwrap();
    apply_as(env, "one", &same).unwrap();
    apply_as(env, "one", &migrated).unwrap();
    kubectl(&env.cluster, &["replace", "-f", "-"], &same.to_string()).unwrap();
    assert!(entries(&stored(env, "migrates").await)[0]["valueFrom"]["sealed"].is_string());
}

async fn removal_takes_effect_for_all_managers(env: &TestEnv) {
    section("a removed set or entry is removed although another manager applies it");
    let same = shared(env, "removes");
    let mut smaller = same.clone();
    sets(&mut smaller)[0]["configuration"]
        .as_array_mut()
        .unwrap()
        .remove(1);
    let output = apply_as(env, "one", &smaller).unwrap();
    let id = "spec.services[store].credentials[main].configuration[ID]: removed";
    assert_output(&output, &[id, "manager `two` also applies"]);
    assert_eq!(list(entries(&stored(env, "removes").await)).len(), 1);
    // The stale file of the other manager restores the entry.
    apply_as(env, "two", &same).unwrap();
    assert_eq!(list(entries(&stored(env, "removes").await)).len(), 2);

    // The spec that the API server computes equals the stored one here, and a label changes.
    apply_as(env, "one", &same).unwrap();
    let mut smaller = same.clone();
    smaller["metadata"]["labels"] = json!({"a": "b"});
    sets(&mut smaller).remove(1);
    let dry = ["--server-side", "--field-manager=one", "--dry-run=server"];
    apply(env, &dry, &smaller).unwrap();
    assert_eq!(set_names(env, "removes").await, ["main", "extra"]);
    let mut only_references = smaller.clone();
    let sealed = entries(&stored(env, "removes").await).clone();
    sets(&mut only_references)[0]["configuration"] = sealed;
    let output = apply_as(env, "one", &only_references).unwrap();
    let extra = "spec.services[store].credentials[extra]: removed";
    assert_output(&output, &[extra, "manager `two` also applies"]);
    assert_eq!(set_names(env, "removes").await, ["main"]);
    let fields = fields(&stored(env, "removes").await, "two");
    assert!(
        fields.contains("main") && !fields.contains("extra"),
        "{fields}"
    );

    // Managed fields are the same for an empty list and for none.
    for list in [json!([]), Value::Null] {
        apply_as(env, "two", &same).unwrap();
        apply_as(env, "one", &same).unwrap();
        smaller["spec"]["services"][0]["credentials"] = list;
        apply_as(env, "one", &smaller).unwrap();
        assert_eq!(set_names(env, "removes").await, Vec::<String>::new());
    }
}

async fn handed_over_services_stay(env: &TestEnv) {
    section("a file without a service hands it over to the other manager");
    let mut same = shared(env, "hands-over");
    let before = stored(env, "hands-over").await;
    same["spec"].as_object_mut().unwrap().remove("services");
    let output = apply_as(env, "one", &same).unwrap();
    assert_output(
        &output,
        &["credentials[main]: kept, because field manager `two`"],
    );
    assert_eq!(stored(env, "hands-over").await["spec"], before["spec"]);
}

async fn no_removal_widens_access(env: &TestEnv) {
    section("no removal leaves a set of credentials with a wider scope");
    for (name, dropped) in [("drops-list", "credentials"), ("drops-service", "services")] {
        let mut object = file(name);
        apply_as(env, "one", &object).unwrap();
        // The file of `two` adds an entry to the set and does not contain its scope.
        let mut addition = file(name);
        sets(&mut addition).truncate(1);
        let entry = json!({"name": "EXTRA", "value": canary("extra")});
        sets(&mut addition)[0] = json!({"name": "main", "configuration": [entry]});
        apply_as(env, "two", &addition).unwrap();
        drop_field(&mut object, dropped);
        let output = apply_as(env, "one", &object).unwrap();
        assert_output(&output, &["credentials[main]: removed", "manager `two`"]);
        assert_eq!(set_names(env, name).await, Vec::<String>::new(), "{name}");
    }
}

/// Removes the services, or the credentials of the service.
fn drop_field(object: &mut Value, field: &str) {
    let parent = match field {
        "services" => &mut object["spec"],
        _ => &mut object["spec"]["services"][0],
    };
    parent.as_object_mut().unwrap().remove(field);
}

async fn edited_values_do_not_block_a_removal(env: &TestEnv) {
    section("a manager can remove a set of which another manager changed a value");
    for dropped in ["credentials", "services"] {
        let mut object = file(dropped);
        apply_as(env, "one", &object).unwrap();
        let value = "/spec/services/0/credentials/0/configuration/0/value";
        let patch = json!([{"op": "add", "path": value, "value": canary("edited")}]).to_string();
        let edit = ["patch", "cext", dropped, "--type=json", "-p", &patch];
        kubectl(&env.cluster, &edit, "").unwrap();
        drop_field(&mut object, dropped);
        apply_as(env, "one", &object).unwrap();
        assert_eq!(set_names(env, dropped).await, Vec::<String>::new());
    }
}

async fn users_without_the_values_cannot_remove(env: &TestEnv) {
    section("a user who does not know the remaining values cannot remove a set");
    env.cluster
        .apply(
            r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "writer"},
            "rules": [{"apiGroups": ["registry.fuseml.io"], "resources": ["clusterextensions"], "verbs": ["*"]}]}"#,
        )
        .unwrap();
    run(
        env,
        "kubectl create clusterrolebinding writer --clusterrole=writer --user=ada",
    );
    let mut object = shared(env, "guarded");
    let before = stored(env, "guarded").await;
    let sealed = entries(&before).clone();
    sets(&mut object)[0]["configuration"] = sealed;
    sets(&mut object).remove(1);
    let how = ["--server-side", "--field-manager=one", "--as=ada"];
    for labels in [json!({}), json!({"a": "b"})] {
        object["metadata"]["labels"] = labels;
        let output = apply(env, &how, &object).unwrap_err();
        assert_output(&output, &["ada may not use sealed values"]);
    }
    assert_eq!(stored(env, "guarded").await["spec"], before["spec"]);
}

async fn odd_managed_fields_are_tolerated(env: &TestEnv) {
    section("managed fields that a user edits break nothing");
    let same = shared(env, "odd");
    let before = stored(env, "odd").await;
    let odd = json!({
        "f:spec": {"f:services": {
            ".": {}, "k:{}": {}, "k:{\"name\":\"store\",\"x\":1}": {}, "v:1": {}, "i:7": {},
            "k:{\"name\":\"store\"}": {"f:credentials": {"k:{\"name\":\"none\"}": {}, "k:{\"name\":\"main\"}": {
                "f:configuration": {"k:{\"name\":\"KEY\"}": {"f:value": {"f:x": {}}, "f:valueFrom": {"v:1": {}}}}}}},
        }},
    });
    let entry = json!({
        "manager": "odd", "operation": "Apply", "apiVersion": "registry.fuseml.io/v1alpha1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": odd,
    });
    let patch =
        json!([{"op": "add", "path": "/metadata/managedFields/-", "value": entry}]).to_string();
    let edit = ["patch", "cext", "odd", "--type=json", "-p", &patch];
    kubectl(&env.cluster, &edit, "").unwrap();
    // Without its entry, a manager has nothing to remove.
    let patch = json!([{"op": "remove", "path": "/metadata/managedFields/0"}]).to_string();
    let edit = [
        "patch",
        "cext",
        "odd",
        "--type=json",
        "-p",
        &patch,
        "--field-manager=one",
    ];
    kubectl(&env.cluster, &edit, "").unwrap();
    for manager in ["odd", "two", "one", "odd"] {
        apply_as(env, manager, &same).unwrap();
    }
    assert_eq!(stored(env, "odd").await["spec"], before["spec"]);
}
