//! The policies that hand out Secrets of one user: the Pod that refers to one is admitted only from the
//! engine, in a run of that user. No operator runs.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/changes.rs"]
mod changes;
#[path = "support/people.rs"]
mod people;
#[path = "support/policies.rs"]
mod policies;

use changes::{change_admitted, change_refused};
use extension_registry_api::{RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION, USER_SECRETS_LABEL};
use policies::{SECRET, Stage, admitted, refused, section, stored};
use serde_json::{Value, json};

const PROJECT: &str = "pod-policies";
/// A namespace without a `RunGate`.
const BARE: &str = "pod-policies-bare";
const ROBOT: &str = "system:serviceaccount:ci:robot";
const BY_GROUP: &str = "ext-u-store-00000000000group";
const GRACES: &str = "ext-u-store-0000000000graces";
const UNLISTED: &str = "ext-u-store-ffffffffffffffff";

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_a_user_are_for_runs_of_that_user() {
    let stage = Stage::start(PROJECT).await;
    stage.cluster.create_namespace(BARE).unwrap();
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{namespace: {BARE}, name: default}}\n"
    );
    stage.cluster.apply(&account).unwrap();
    a_namespace_without_a_run_gate(&stage).await;
    stage
        .gate(json!({"userSecrets": {
            SECRET: {"user": "ada", "serviceAccounts": [ROBOT]},
            BY_GROUP: {"user": "ada", "groups": ["analysts, eu", "staff"]},
            GRACES: {"user": "grace"},
        }}))
        .await;
    every_place_is_looked_at(&stage).await;
    the_run_names_the_user(&stage).await;
    groups_are_those_of_the_run(&stage).await;
    only_the_engine_creates_such_pods(&stage).await;
    drivers_and_pulls_get_none(&stage).await;
    a_pod_stays_as_it_was_admitted(&stage).await;
    if !stage.cluster.is_ours() {
        let _ = stage
            .cluster
            .kubectl_run(&["delete", "namespace", BARE, "--wait=false"]);
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

/// Every place of a Pod that hands a Secret to a container.
fn places(secret: &str) -> Vec<Value> {
    let by_key = json!([{"name": "A", "value": "a"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k", "optional": true}}}]);
    let whole =
        json!([{"configMapRef": {"name": "c"}}, {"secretRef": {"name": secret}, "prefix": "P_"}]);
    let mut places = vec![
        json!({"containers": [container()], "volumes": [{"name": "v", "secret": {"secretName": secret}}]}),
        json!({"containers": [container()], "volumes": [{"name": "e", "emptyDir": {}},
            {"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": secret}}]}}]}),
    ];
    for (field, value) in [("env", &by_key), ("envFrom", &whole)] {
        let mut second = with(field, value);
        second["name"] = json!("second");
        places.push(json!({"containers": [container(), second]}));
        places.push(json!({"containers": [container()], "initContainers": [second]}));
        second["restartPolicy"] = json!("Always");
        places.push(json!({"containers": [container()], "initContainers": [second]}));
    }
    places
}

fn whole(secret: &str) -> Value {
    json!({"containers": [with("envFrom", &json!([{"secretRef": {"name": secret}}]))]})
}

fn in_bare(mut object: Value) -> Value {
    object["metadata"]["namespace"] = json!(BARE);
    object
}

async fn a_namespace_without_a_run_gate(stage: &Stage) {
    section("a namespace without a RunGate runs every other Pod");
    let mut plain = places("another");
    plain.push(json!({"containers": [container()]}));
    for spec in &plain {
        let mut pod = stage.pod_of(None, spec);
        pod["metadata"]["labels"] = json!({"app": "x"});
        for client in [&stage.grace, &stage.engine, &stage.admin] {
            admitted(client, &in_bare(pod.clone())).await;
        }
    }
    section("and none that refers to a Secret of a user, whoever creates it");
    for spec in places(SECRET) {
        let labelled = in_bare(stage.pod_of(Some(("ada", "")), &spec));
        refused(&stage.engine, &labelled, "no params found").await;
        let mut unlabelled = labelled.clone();
        unlabelled["metadata"]["labels"] = json!({});
        refused(
            &stage.engine,
            &unlabelled,
            "must have the label registry.fuseml.io/user-secrets",
        )
        .await;
        for client in [&stage.grace, &stage.admin, &stage.operator] {
            refused(client, &unlabelled, "only Pods of that user's runs").await;
        }
    }
}

async fn every_place_is_looked_at(stage: &Stage) {
    section("wherever a Pod refers to the Secret, the run has to be of its user");
    for spec in places(SECRET) {
        admitted(&stage.engine, &stage.pod_of(Some(("ada", "")), &spec)).await;
        let foreign = stage.pod_of(Some(("grace", "")), &spec);
        let expected =
            format!("Secret `{SECRET}` belongs to `ada`, and this run was started by `grace`");
        refused(&stage.engine, &foreign, &expected).await;
    }
    for spec in places("ext-store-0123456789abcdef")
        .iter()
        .chain(&places("text-u-other"))
    {
        admitted(&stage.grace, &stage.pod_of(None, spec)).await;
    }

    section("one foreign Secret among one's own is enough");
    for spec in places(GRACES) {
        let mut both = spec.clone();
        both["containers"][0]["env"] =
            json!([{"name": "S", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "k"}}}]);
        refused(
            &stage.engine,
            &stage.pod_of(Some(("ada", "")), &both),
            "belongs to `grace`",
        )
        .await;
        refused(
            &stage.engine,
            &stage.pod_of(Some(("grace", "")), &both),
            "belongs to `ada`",
        )
        .await;
    }
}

async fn the_run_names_the_user(stage: &Stage) {
    section("the user of the run is compared exactly");
    let pod = |user: &str| stage.pod_of(Some((user, "")), &whole(SECRET));
    for user in ["Ada", "ada ", " ada", "oidc:ada", "ada@example.org", ""] {
        refused(&stage.engine, &pod(user), "belongs to `ada`").await;
    }
    for user in ["ada\n", "ada\ngrace"] {
        refused(
            &stage.engine,
            &pod(user),
            "is only available to runs of its user",
        )
        .await;
    }
    refused(
        &stage.engine,
        &stage.pod_of(None, &whole(SECRET)),
        "was started by an unknown user",
    )
    .await;
    let mut label = stage.pod_of(None, &whole(SECRET));
    label["metadata"]["labels"][RUN_BY_ANNOTATION] = json!("ada");
    refused(&stage.engine, &label, "was started by an unknown user").await;

    section("a service account that the credentials list may use the Secret, and no other");
    admitted(
        &stage.engine,
        &stage.pod_of(Some((ROBOT, "")), &whole(SECRET)),
    )
    .await;
    for other in [
        "system:serviceaccount:ci:robot2",
        "system:serviceaccount:other:robot",
        "robot",
    ] {
        refused(
            &stage.engine,
            &stage.pod_of(Some((other, "")), &whole(SECRET)),
            "belongs to `ada`",
        )
        .await;
    }
    refused(
        &stage.engine,
        &stage.pod_of(Some((ROBOT, "")), &whole(GRACES)),
        "belongs to `grace`",
    )
    .await;

    section("a Secret that no one is listed for is for no Pod");
    for user in ["ada", ROBOT, "grace"] {
        let pod = stage.pod_of(Some((user, "")), &whole(UNLISTED));
        refused(&stage.engine, &pod, "is not available to any run").await;
    }

    section("names of Pods do not matter");
    let mut generated = stage.pod_of(Some(("grace", "")), &whole(SECRET));
    generated["metadata"]["generateName"] = json!("p-");
    generated["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("name");
    refused(&stage.engine, &generated, "belongs to `ada`").await;
    generated["metadata"]["annotations"][RUN_BY_ANNOTATION] = json!("ada");
    admitted(&stage.engine, &generated).await;
}

async fn groups_are_those_of_the_run(stage: &Stage) {
    section("where a group admits the user, the run has to list it");
    for groups in [
        "staff",
        "analysts, eu",
        "other\nanalysts, eu",
        "staff\nother",
    ] {
        admitted(
            &stage.engine,
            &stage.pod_of(Some(("ada", groups)), &whole(BY_GROUP)),
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
        let pod = stage.pod_of(Some(("ada", groups)), &whole(BY_GROUP));
        refused(
            &stage.engine,
            &pod,
            "who is not a member of a group that may use it",
        )
        .await;
    }
    let foreign = stage.pod_of(Some(("grace", "staff")), &whole(BY_GROUP));
    refused(
        &stage.engine,
        &foreign,
        "belongs to `ada`, and this run was started by `grace`",
    )
    .await;
    let many: Vec<String> = (0..500).map(|number| format!("group-{number}")).collect();
    let mut pod = stage.pod_of(Some(("ada", &many.join("\n"))), &whole(BY_GROUP));
    refused(&stage.engine, &pod, "who is not a member of a group").await;
    pod["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] =
        json!(format!("{}\nstaff", many.join("\n")));
    admitted(&stage.engine, &pod).await;
}

async fn only_the_engine_creates_such_pods(stage: &Stage) {
    section(
        "nobody but the engine creates a Pod with such a Secret, the user and the operator included",
    );
    for spec in places(SECRET) {
        let pod = stage.pod_of(Some(("ada", "")), &spec);
        for client in [
            &stage.ada,
            &stage.grace,
            &stage.admin,
            &stage.operator,
            &stage.collector,
        ] {
            refused(
                client,
                &pod,
                "only Pods of that user's runs may refer to it",
            )
            .await;
        }
    }

    section("the label alone is checked by its presence");
    let mut pod = stage.pod_of(Some(("ada", "")), &whole(SECRET));
    pod["metadata"]["labels"] = json!({"app": "x"});
    refused(
        &stage.engine,
        &pod,
        "must have the label registry.fuseml.io/user-secrets",
    )
    .await;
    pod["metadata"]["labels"] = json!({USER_SECRETS_LABEL: "no"});
    admitted(&stage.engine, &pod).await;
    pod["metadata"]["annotations"][RUN_BY_ANNOTATION] = json!("grace");
    refused(&stage.engine, &pod, "belongs to `ada`").await;
}

async fn drivers_and_pulls_get_none(stage: &Stage) {
    section("no driver of a volume gets the Secret, and no image is pulled with it");
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
            refused(client, &pod, expected).await;
            refused(client, &in_bare(pod.clone()), "denied request").await;
        }
        let other = spec.to_string().replace(SECRET, "another");
        let other = stage.pod_of(None, &serde_json::from_str(&other).unwrap());
        admitted(&stage.grace, &other).await;
    }
}

async fn a_pod_stays_as_it_was_admitted(stage: &Stage) {
    let mut pod = stage.pod_of(Some(("ada", "")), &whole(SECRET));
    pod["metadata"]["name"] = json!("hers");
    let hers = stored(&stage.engine, &pod).await;

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
            change_refused(
                client,
                &hers,
                "",
                change,
                "only the pipeline engine can change it",
            )
            .await;
        }
    }
    change_admitted(&stage.engine, &hers, "", changes[0]).await;
    let label = |pod: &mut Value| pod["metadata"]["labels"]["seen"] = json!("yes");
    change_admitted(&stage.grace, &hers, "", label).await;

    section("nobody changes the user of its run");
    for key in [RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION] {
        let forged = |pod: &mut Value| pod["metadata"]["annotations"][key] = json!("grace");
        for client in [&stage.grace, &stage.engine, &stage.admin] {
            change_refused(
                client,
                &hers,
                "",
                forged,
                "registry.fuseml.io/run-by cannot be changed",
            )
            .await;
        }
    }

    section("nobody puts a container beside it, or the Secret into a container of another Pod");
    let mut other = stage.pod_of(None, &json!({"containers": [container()]}));
    other["metadata"]["name"] = json!("other");
    let other = stored(&stage.grace, &other).await;
    let spy = json!({"name": "spy", "image": "i", "targetContainerName": "main"});
    let put = |container: Value| {
        move |pod: &mut Value| pod["spec"]["ephemeralContainers"] = json!([container])
    };
    for client in [&stage.grace, &stage.ada, &stage.admin] {
        change_refused(
            client,
            &hers,
            "ephemeralcontainers",
            put(spy.clone()),
            "only the pipeline engine can change it",
        )
        .await;
        change_admitted(client, &other, "ephemeralcontainers", put(spy.clone())).await;
        for (field, value) in [
            (
                "env",
                json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "k"}}}]),
            ),
            ("envFrom", json!([{"secretRef": {"name": SECRET}}])),
        ] {
            let mut thief = spy.clone();
            thief[field] = value;
            change_refused(
                client,
                &other,
                "ephemeralcontainers",
                put(thief),
                "only the pipeline engine can change it",
            )
            .await;
        }
    }
    // The engine never puts any.
    let mut thief = spy.clone();
    thief["envFrom"] = json!([{"secretRef": {"name": SECRET}}]);
    change_refused(
        &stage.engine,
        &other,
        "ephemeralcontainers",
        put(thief),
        "only the pipeline engine can change it",
    )
    .await;
}
