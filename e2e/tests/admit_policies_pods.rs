//! The policies on Secrets of one user: a Pod that refers to one is admitted only from the engine, in a run
//! of that user. No operator runs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/changes.rs"]
mod changes;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/users.rs"]
mod users;

use changes::{assert_change_admitted, assert_change_refused};
use extension_registry_api::{RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION, USER_SECRETS_LABEL};
use policies::{SECRET, Stage, assert_admitted, assert_refused, create_stored, section};
use serde_json::{Value, json};

const PROJECT: &str = "pod-policies";
/// A namespace without a `RunGate`.
const UNGATED: &str = "pod-policies-bare";
const ROBOT: &str = "system:serviceaccount:ci:robot";
const BY_GROUP: &str = "ext-u-store-00000000000group";
const GRACES: &str = "ext-u-store-0000000000graces";
const UNLISTED: &str = "ext-u-store-ffffffffffffffff";

#[tokio::test(flavor = "multi_thread")]
async fn user_secrets_are_only_for_runs_of_that_user() {
    let stage = Stage::start(PROJECT).await;
    stage.cluster.create_namespace(UNGATED).unwrap();
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{namespace: {UNGATED}, name: default}}\n"
    );
    stage.cluster.apply(&account).unwrap();
    namespace_without_run_gate(&stage).await;
    stage
        .gate(json!({"userSecrets": {
            SECRET: {"user": "ada", "serviceAccounts": [ROBOT]},
            BY_GROUP: {"user": "ada", "groups": ["analysts, eu", "staff"]},
            GRACES: {"user": "grace"},
        }}))
        .await;
    checks_every_reference_to_a_secret(&stage).await;
    user_of_run_must_match(&stage).await;
    run_must_list_the_group(&stage).await;
    only_the_engine_creates_pods_with_user_secrets(&stage).await;
    volume_drivers_and_image_pulls_get_no_secret(&stage).await;
    admitted_pod_is_immutable(&stage).await;
    if !stage.cluster.is_owned() {
        let _ = stage
            .cluster
            .kubectl_run(&["delete", "namespace", UNGATED, "--wait=false"]);
    }
    stage.stop().await;
}

fn container() -> Value {
    json!({"name": "main", "image": "i"})
}

fn with(field: &str, value: &Value) -> Value {
    let mut container = container();
    container[field] = value.clone();
    container
}

/// Returns all fields of a Pod that expose a Secret to a container.
fn secret_references(secret: &str) -> Vec<Value> {
    let by_key = json!([{"name": "A", "value": "a"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k", "optional": true}}}]);
    let whole =
        json!([{"configMapRef": {"name": "c"}}, {"secretRef": {"name": secret}, "prefix": "P_"}]);
    let mut specs = vec![
        json!({"containers": [container()], "volumes": [{"name": "v", "secret": {"secretName": secret}}]}),
        json!({"containers": [container()], "volumes": [{"name": "e", "emptyDir": {}},
            {"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": secret}}]}}]}),
    ];
    for (field, value) in [("env", &by_key), ("envFrom", &whole)] {
        let mut second = with(field, value);
        second["name"] = json!("second");
        specs.push(json!({"containers": [container(), second]}));
        specs.push(json!({"containers": [container()], "initContainers": [second]}));
        second["restartPolicy"] = json!("Always");
        specs.push(json!({"containers": [container()], "initContainers": [second]}));
    }
    specs
}

fn all_references(secret: &str) -> Value {
    json!({"containers": [with("envFrom", &json!([{"secretRef": {"name": secret}}]))]})
}

fn in_ungated_namespace(mut object: Value) -> Value {
    object["metadata"]["namespace"] = json!(UNGATED);
    object
}

async fn namespace_without_run_gate(stage: &Stage) {
    section("a namespace without a RunGate admits Pods without user Secrets");
    let mut plain = secret_references("another");
    plain.push(json!({"containers": [container()]}));
    for spec in &plain {
        let mut pod = stage.pod_of(None, spec);
        pod["metadata"]["labels"] = json!({"app": "x"});
        for client in [&stage.grace, &stage.engine, &stage.admin] {
            assert_admitted(client, &in_ungated_namespace(pod.clone())).await;
        }
    }
    section("and rejects Pods with a user Secret from every client");
    for spec in secret_references(SECRET) {
        let labelled = in_ungated_namespace(stage.pod_of(Some(("ada", "")), &spec));
        assert_refused(&stage.engine, &labelled, "no params found").await;
        let mut unlabelled = labelled.clone();
        unlabelled["metadata"]["labels"] = json!({});
        assert_refused(
            &stage.engine,
            &unlabelled,
            "must have the label registry.fuseml.io/user-secrets",
        )
        .await;
        for client in [&stage.grace, &stage.admin, &stage.operator] {
            assert_refused(client, &unlabelled, "only Pods of that user's runs").await;
        }
    }
}

async fn checks_every_reference_to_a_secret(stage: &Stage) {
    section("for every reference to the Secret, the run must belong to its user");
    for spec in secret_references(SECRET) {
        assert_admitted(&stage.engine, &stage.pod_of(Some(("ada", "")), &spec)).await;
        let foreign = stage.pod_of(Some(("grace", "")), &spec);
        let expected =
            format!("Secret `{SECRET}` belongs to `ada`, and this run was started by `grace`");
        assert_refused(&stage.engine, &foreign, &expected).await;
    }
    for spec in secret_references("ext-store-0123456789abcdef")
        .iter()
        .chain(&secret_references("text-u-other"))
    {
        assert_admitted(&stage.grace, &stage.pod_of(None, spec)).await;
    }

    section("one foreign Secret among own ones is rejected");
    for spec in secret_references(GRACES) {
        let mut both = spec.clone();
        both["containers"][0]["env"] =
            json!([{"name": "S", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "k"}}}]);
        assert_refused(
            &stage.engine,
            &stage.pod_of(Some(("ada", "")), &both),
            "belongs to `grace`",
        )
        .await;
        assert_refused(
            &stage.engine,
            &stage.pod_of(Some(("grace", "")), &both),
            "belongs to `ada`",
        )
        .await;
    }
}

async fn user_of_run_must_match(stage: &Stage) {
    section("the user of the run is compared exactly");
    let pod = |user: &str| stage.pod_of(Some((user, "")), &all_references(SECRET));
    for user in ["Ada", "ada ", " ada", "oidc:ada", "ada@example.org", ""] {
        assert_refused(&stage.engine, &pod(user), "belongs to `ada`").await;
    }
    for user in ["ada\n", "ada\ngrace"] {
        assert_refused(
            &stage.engine,
            &pod(user),
            "is only available to runs of its user",
        )
        .await;
    }
    assert_refused(
        &stage.engine,
        &stage.pod_of(None, &all_references(SECRET)),
        "was started by an unknown user",
    )
    .await;
    let mut label = stage.pod_of(None, &all_references(SECRET));
    label["metadata"]["labels"][RUN_BY_ANNOTATION] = json!("ada");
    assert_refused(&stage.engine, &label, "was started by an unknown user").await;

    section("a service account that the credentials list may use the Secret, and no other");
    assert_admitted(
        &stage.engine,
        &stage.pod_of(Some((ROBOT, "")), &all_references(SECRET)),
    )
    .await;
    for other in [
        "system:serviceaccount:ci:robot2",
        "system:serviceaccount:other:robot",
        "robot",
    ] {
        assert_refused(
            &stage.engine,
            &stage.pod_of(Some((other, "")), &all_references(SECRET)),
            "belongs to `ada`",
        )
        .await;
    }
    assert_refused(
        &stage.engine,
        &stage.pod_of(Some((ROBOT, "")), &all_references(GRACES)),
        "belongs to `grace`",
    )
    .await;

    section("a Secret without an entry is not available to any Pod");
    for user in ["ada", ROBOT, "grace"] {
        let pod = stage.pod_of(Some((user, "")), &all_references(UNLISTED));
        assert_refused(&stage.engine, &pod, "is not available to any run").await;
    }

    section("names of Pods do not matter");
    let mut generated = stage.pod_of(Some(("grace", "")), &all_references(SECRET));
    generated["metadata"]["generateName"] = json!("p-");
    generated["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("name");
    assert_refused(&stage.engine, &generated, "belongs to `ada`").await;
    generated["metadata"]["annotations"][RUN_BY_ANNOTATION] = json!("ada");
    assert_admitted(&stage.engine, &generated).await;
}

async fn run_must_list_the_group(stage: &Stage) {
    section("a run must list the group that admits its user");
    for groups in [
        "staff",
        "analysts, eu",
        "other\nanalysts, eu",
        "staff\nother",
    ] {
        assert_admitted(
            &stage.engine,
            &stage.pod_of(Some(("ada", groups)), &all_references(BY_GROUP)),
        )
        .await;
    }
    for groups in [
        "",
        "analysts",
        "eu",
        "analysts\neu",
        "staffs",
        "STAFF",
        "staff,other",
    ] {
        let pod = stage.pod_of(Some(("ada", groups)), &all_references(BY_GROUP));
        assert_refused(
            &stage.engine,
            &pod,
            "who is not a member of a group that may use it",
        )
        .await;
    }
    let foreign = stage.pod_of(Some(("grace", "staff")), &all_references(BY_GROUP));
    assert_refused(
        &stage.engine,
        &foreign,
        "belongs to `ada`, and this run was started by `grace`",
    )
    .await;
    let many: Vec<String> = (0..500).map(|number| format!("group-{number}")).collect();
    let mut pod = stage.pod_of(Some(("ada", &many.join("\n"))), &all_references(BY_GROUP));
    assert_refused(&stage.engine, &pod, "who is not a member of a group").await;
    pod["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] =
        json!(format!("{}\nstaff", many.join("\n")));
    assert_admitted(&stage.engine, &pod).await;
}

async fn only_the_engine_creates_pods_with_user_secrets(stage: &Stage) {
    section("only the engine creates a Pod with such a Secret, not even the user or the operator");
    for spec in secret_references(SECRET) {
        let pod = stage.pod_of(Some(("ada", "")), &spec);
        for client in [
            &stage.ada,
            &stage.grace,
            &stage.admin,
            &stage.operator,
            &stage.collector,
        ] {
            assert_refused(
                client,
                &pod,
                "only Pods of that user's runs may refer to it",
            )
            .await;
        }
    }

    section("only the presence of the label is checked");
    let mut pod = stage.pod_of(Some(("ada", "")), &all_references(SECRET));
    pod["metadata"]["labels"] = json!({"app": "x"});
    assert_refused(
        &stage.engine,
        &pod,
        "must have the label registry.fuseml.io/user-secrets",
    )
    .await;
    pod["metadata"]["labels"] = json!({USER_SECRETS_LABEL: "no"});
    assert_admitted(&stage.engine, &pod).await;
    pod["metadata"]["annotations"][RUN_BY_ANNOTATION] = json!("grace");
    assert_refused(&stage.engine, &pod, "belongs to `ada`").await;
}

async fn volume_drivers_and_image_pulls_get_no_secret(stage: &Stage) {
    section("volume drivers and image pulls cannot use the Secret");
    let named = json!({"name": SECRET});
    let volumes = [
        json!({"csi": {"driver": "d", "nodePublishSecretRef": named}}),
        json!({"csi": {"driver": "d", "volumeAttributes": {"secretName": SECRET}}}),
        json!({"csi": {"driver": "d", "volumeAttributes": {"source": format!("{PROJECT}/{SECRET}")}}}),
        json!({"csi": {"driver": "d", "volumeAttributes": {"source": format!(" {SECRET}")}}}),
        json!({"flexVolume": {"driver": "a/d", "secretRef": named}}),
        json!({"flexVolume": {"driver": "a/d", "options": {"from": format!("{PROJECT}/{SECRET}")}}}),
        json!({"cephfs": {"monitors": ["m"], "secretRef": named}}),
        json!({"rbd": {"monitors": ["m"], "image": "i", "secretRef": named}}),
        json!({"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:a", "lun": 0,
            "chapAuthSession": true, "secretRef": named}}),
        json!({"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": named}}),
        json!({"storageos": {"volumeName": "v", "secretRef": named}}),
        json!({"azureFile": {"shareName": "s", "secretName": SECRET}}),
    ];
    let mut specs: Vec<(Value, &str)> = volumes
        .into_iter()
        .map(|mut volume| {
            volume["name"] = json!("v");
            (
                json!({"volumes": [volume]}),
                "is not available to volume drivers",
            )
        })
        .collect();
    specs.push((
        json!({"imagePullSecrets": [{"name": "x"}, named]}),
        "cannot be used to pull images",
    ));
    for (mut spec, expected) in specs {
        spec["containers"] = json!([container()]);
        let pod = stage.pod_of(Some(("ada", "")), &spec);
        for client in [&stage.engine, &stage.ada, &stage.admin] {
            assert_refused(client, &pod, expected).await;
            assert_refused(client, &in_ungated_namespace(pod.clone()), "denied request").await;
        }
        let other = spec.to_string().replace(SECRET, "another");
        let other = stage.pod_of(None, &serde_json::from_str(&other).unwrap());
        assert_admitted(&stage.grace, &other).await;
    }
}

async fn admitted_pod_is_immutable(stage: &Stage) {
    let mut pod = stage.pod_of(Some(("ada", "")), &all_references(SECRET));
    pod["metadata"]["name"] = json!("hers");
    let ada_pod = create_stored(&stage.engine, &pod).await;

    section("only the engine changes a Pod that holds such a Secret");
    let changes: [fn(&mut Value); 3] = [
        |pod| pod["spec"]["containers"][0]["image"] = json!("mine"),
        |pod| pod["spec"]["activeDeadlineSeconds"] = json!(3_600),
        |pod| {
            let tolerations = pod["spec"]["tolerations"].as_array_mut().unwrap();
            tolerations.push(json!({"key": "a", "operator": "Exists"}));
        },
    ];
    for change in changes {
        for client in [&stage.grace, &stage.ada, &stage.admin] {
            assert_change_refused(
                client,
                &ada_pod,
                "",
                change,
                "only the pipeline engine can change it",
            )
            .await;
        }
    }
    assert_change_admitted(&stage.engine, &ada_pod, "", changes[0]).await;
    let label = |pod: &mut Value| pod["metadata"]["labels"]["seen"] = json!("yes");
    assert_change_admitted(&stage.grace, &ada_pod, "", label).await;

    section("no client changes the user of its run");
    for key in [RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION] {
        let forged = |pod: &mut Value| pod["metadata"]["annotations"][key] = json!("grace");
        for client in [&stage.grace, &stage.engine, &stage.admin] {
            assert_change_refused(
                client,
                &ada_pod,
                "",
                forged,
                "registry.fuseml.io/run-by cannot be changed",
            )
            .await;
        }
    }

    section("no client adds a container to it, or the Secret to a container of another Pod");
    let mut other = stage.pod_of(None, &json!({"containers": [container()]}));
    other["metadata"]["name"] = json!("other");
    let other = create_stored(&stage.grace, &other).await;
    let ephemeral = json!({"name": "spy", "image": "i", "targetContainerName": "main"});
    let put = |container: Value| {
        move |pod: &mut Value| pod["spec"]["ephemeralContainers"] = json!([container])
    };
    for client in [&stage.grace, &stage.ada, &stage.admin] {
        assert_change_refused(
            client,
            &ada_pod,
            "ephemeralcontainers",
            put(ephemeral.clone()),
            "only the pipeline engine can change it",
        )
        .await;
        assert_change_admitted(
            client,
            &other,
            "ephemeralcontainers",
            put(ephemeral.clone()),
        )
        .await;
        for (field, value) in [
            (
                "env",
                json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "k"}}}]),
            ),
            ("envFrom", json!([{"secretRef": {"name": SECRET}}])),
        ] {
            let mut with_secret = ephemeral.clone();
            with_secret[field] = value;
            assert_change_refused(
                client,
                &other,
                "ephemeralcontainers",
                put(with_secret),
                "only the pipeline engine can change it",
            )
            .await;
        }
    }
    // The engine never sets it.
    let mut with_secret = ephemeral.clone();
    with_secret["envFrom"] = json!([{"secretRef": {"name": SECRET}}]);
    assert_change_refused(
        &stage.engine,
        &other,
        "ephemeralcontainers",
        put(with_secret),
        "only the pipeline engine can change it",
    )
    .await;
}
