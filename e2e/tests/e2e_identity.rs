//! Credentials of one person: who gets them, who may run with them, and who does not, whatever they
//! write into a workflow, a run or a Pod.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use door::kubectl;
use extension_registry_api::PERSONAL_LABEL;
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use people::{create, create_dry, objects, of_a_person, person};
use serde_json::{Value, json};
use support::{Lab, eventually, message, record, section, text, workflow};

const PROJECT: &str = "people";
const ROBOT: &str = "system:serviceaccount:people:robot";
const ENGINE: &str = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";
const IDENTITY: &str = "registry.fuseml.io/identity";
const BEHALF: &str = "registry.fuseml.io/on-behalf-of";

struct People {
    ada: Client,
    grace: Client,
    robot: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_a_person_are_for_that_person() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let lab = Lab::with_webhook("identity", options, &[], &[]).await;
    lab.namespace(PROJECT);
    lab.cluster.apply(RIGHTS).unwrap();
    let people = People {
        ada: person(&lab.cluster, "ada", &["team"]),
        grace: person(&lab.cluster, "grace", &["team"]),
        robot: person(&lab.cluster, ROBOT, &["team"]),
    };
    lab.apply(&personal_record()).await;
    let secret = whoever_writes_the_spec(&lab, &people).await;
    an_identity_is_not_taken(&lab, &people).await;
    runs_are_for_the_person(&lab, &people).await;
    current_groups_count(&lab).await;
    only_the_engine_makes_pods(&lab, &people, &secret).await;
    only_the_operator_names_the_secret(&people, &secret).await;
    on_behalf_of_another(&lab, &people).await;
    off_the_list(&lab, &secret).await;
    unsigned(&lab, &people).await;
    lab.stop().await;
}

/// Whoever is in the team may edit the project and run pipelines there.
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: runs}
rules: [{apiGroups: [tekton.dev], resources: ['*'], verbs: ['*']}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: people, name: team-edits}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: team}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: people, name: team-runs}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: runs}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: team}]
";

fn personal_record() -> Value {
    record(
        "personal",
        &json!([{"name": "hers", "scope": "user", "user": ["ada", ROBOT], "configuration": [
            {"name": "TOKEN", "value": "t-1"},
        ]}]),
    )
}

fn personal_workflow(name: &str) -> Value {
    workflow(PROJECT, name, &json!({"product": "personal"}))
}

fn run(pipeline: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"namespace": PROJECT, "name": "run"},
        "spec": {"pipelineRef": {"name": pipeline}},
    })
}

async fn applied(client: &Client, object: &Value) {
    create(client, object, &PostParams::default())
        .await
        .unwrap();
}

fn run_as(workflow: &Value) -> &Value {
    &workflow["status"]["runAs"]
}

async fn whoever_writes_the_spec(lab: &Lab, people: &People) -> String {
    section("a workflow acts for whoever wrote its spec");
    applied(&people.ada, &personal_workflow("hers")).await;
    let hers = lab.ready(PROJECT, "hers").await;
    assert_eq!(run_as(&hers)["user"], "ada");
    assert_eq!(run_as(&hers)["accounts"], json!([ROBOT]));
    let secret = text(&hers["status"]["bindings"][0]["secret"]).to_owned();
    assert!(secret.starts_with("ext-u-"), "{secret}");
    assert!(lab.get("Secret", PROJECT, &secret).await.is_object());
    let projection = lab.get("ExtensionProjection", PROJECT, &secret).await;
    assert_eq!(projection["spec"]["user"], "ada");

    applied(&people.grace, &personal_workflow("not-hers")).await;
    let refused = lab.refused(PROJECT, "not-hers", "NoAccess").await;
    assert!(
        message(&refused).contains("the workflow acts for `grace`"),
        "{}",
        message(&refused)
    );
    assert!(!message(&refused).contains("ada"), "{}", message(&refused));
    secret
}

async fn an_identity_is_not_taken(lab: &Lab, people: &People) {
    section("an identity that is forged, copied, removed or brushed past stays what it is");
    let hers = lab.get("Workflow", PROJECT, "hers").await;
    let signed = hers["metadata"]["annotations"][IDENTITY].clone();
    let mut copied = personal_workflow("copied");
    copied["metadata"]["annotations"] = json!({IDENTITY: signed});
    let as_grace = ["--as", "grace", "--as-group", "team"];
    let said = kubectl(
        &lab.cluster,
        &[&["create", "-f", "-"], &as_grace[..]].concat(),
        &copied.to_string(),
    );
    let said = said.unwrap();
    assert!(said.contains("Warning: metadata.annotations[registry.fuseml.io/identity] is written by the webhook: the workflow acts for `grace`"), "{said}");
    lab.refused(PROJECT, "copied", "NoAccess").await;

    let patch = |patch: Value| {
        let patch = patch.to_string();
        let arguments = [
            "patch",
            "workflow",
            "hers",
            "-n",
            PROJECT,
            "--type=merge",
            "-p",
            &patch,
        ];
        kubectl(&lab.cluster, &[&arguments[..], &as_grace[..]].concat(), "").unwrap()
    };
    let said = patch(json!({"metadata": {"labels": {"seen-by": "grace"}}}));
    assert!(!said.contains("Warning"), "{said}");
    for value in [Value::Null, json!("{}")] {
        let said = patch(json!({"metadata": {"annotations": {IDENTITY: value}}}));
        assert!(said.contains("it stays as it was"), "{said}");
    }
    let now = lab.ready(PROJECT, "hers").await;
    assert_eq!(now["metadata"]["annotations"][IDENTITY], signed);
    assert_eq!(run_as(&now)["user"], "ada");

    // The spec is another one: so is the person.
    applied(&people.ada, &personal_workflow("handed-over")).await;
    lab.ready(PROJECT, "handed-over").await;
    patch_as(
        &people.grace,
        "handed-over",
        json!({"spec": {"description": "mine now"}}),
    )
    .await;
    lab.refused(PROJECT, "handed-over", "NoAccess").await;
    // Refused at once; the reason follows when the policy has learned of the status.
    eventually(Duration::from_secs(10), "the gate knows why", async || {
        let said = create_dry(&people.ada, &run("handed-over"))
            .await
            .unwrap_err();
        let gate = "is not ready at its present generation (";
        assert!(said.contains(gate), "{said}");
        if said.contains(&format!("{gate}NoAccess")) {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
}

async fn patch_as(client: &Client, name: &str, patch: Value) {
    objects(client, "registry.fuseml.io/v1alpha1", "Workflow", PROJECT)
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

async fn runs_are_for_the_person(lab: &Lab, people: &People) {
    section("a run starts for the person, for a listed account, and for nobody else");
    // The policy learns of the status a moment later.
    eventually(Duration::from_secs(10), "ada runs it", async || {
        create_dry(&people.ada, &run("hers")).await
    })
    .await;
    create_dry(&people.robot, &run("hers")).await.unwrap();
    let said = create_dry(&people.grace, &run("hers")).await.unwrap_err();
    assert!(
        said.contains(
            "workflow `hers` is bound to credentials of `ada`, and `grace` may not use them"
        ),
        "{said}"
    );
    let mut resolved = run("");
    resolved["spec"]["pipelineRef"] = json!({"resolver": "cluster", "params": [
        {"name": "kind", "value": "pipeline"}, {"name": "name", "value": "hers"},
    ]});
    let said = create_dry(&people.grace, &resolved).await.unwrap_err();
    assert!(said.contains("bound to credentials of `ada`"), "{said}");
    // Not a workflow's: none of our business.
    create_dry(&people.grace, &run("something-else"))
        .await
        .unwrap();
    let mut inline = run("");
    inline["spec"] = json!({"pipelineSpec": {"tasks": []}});
    create_dry(&people.grace, &inline).await.unwrap();

    section("a run starts only when its workflow is ready");
    let said = create_dry(&people.grace, &run("not-hers"))
        .await
        .unwrap_err();
    assert!(
        said.contains("workflow `not-hers` is not ready at its present generation (NoAccess: "),
        "{said}"
    );
    assert!(
        said.contains("kubectl describe workflow not-hers -n people"),
        "{said}"
    );
    lab.apply(&record("open", &json!([{"name": "all"}]))).await;
    applied(
        &people.grace,
        &workflow(PROJECT, "open", &json!({"product": "open"})),
    )
    .await;
    let open = lab.ready(PROJECT, "open").await;
    assert!(run_as(&open).is_null());
    for client in [&people.ada, &people.grace, &people.robot] {
        eventually(Duration::from_secs(10), "anybody runs it", async || {
            create_dry(client, &run("open")).await
        })
        .await;
    }
    patch_as(
        &people.grace,
        "open",
        json!({"spec": {"steps": [
            {"name": "train", "image": "i", "extensions": [{"name": "data", "product": "nothing"}]},
        ]}}),
    )
    .await;
    lab.refused(PROJECT, "open", "NotFound").await;
    eventually(
        Duration::from_secs(10),
        "nobody runs it",
        async || match create_dry(&people.ada, &run("open")).await {
            Err(said) if said.contains("(NotFound: ") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn current_groups_count(lab: &Lab) {
    section("groups are those of the time of the run");
    let mut by_group = record("by-group", &json!([{"name": "all"}]));
    by_group["spec"]["access"] = json!({"groups": ["analysts", "others"]});
    lab.apply(&by_group).await;
    let linus = person(&lab.cluster, "linus", &["analysts", "team"]);
    applied(
        &linus,
        &workflow(PROJECT, "by-group", &json!({"product": "by-group"})),
    )
    .await;
    let bound = lab.ready(PROJECT, "by-group").await;
    assert_eq!(run_as(&bound)["groups"], json!([{"anyOf": ["analysts"]}]));
    eventually(Duration::from_secs(10), "linus runs it", async || {
        create_dry(&linus, &run("by-group")).await
    })
    .await;
    let moved = person(&lab.cluster, "linus", &["team", "others"]);
    let said = create_dry(&moved, &run("by-group")).await.unwrap_err();
    assert!(
        said.contains("`linus` is no longer in a group that may use them"),
        "{said}"
    );

    section("rewritten by another, a workflow no longer uses the person's Secret");
    let secret = text(&bound["status"]["bindings"][0]["secret"]).to_owned();
    let pipeline = lab.get("Pipeline", PROJECT, "by-group").await;
    assert_eq!(pipeline["metadata"]["labels"][PERSONAL_LABEL], "true");
    let rewrite = |text: &str| json!({"spec": {"description": text}});
    let grace = person(&lab.cluster, "grace", &["team"]);
    // No look that was wanted before may do the work of this one.
    lab.settled(&["ExtensionProjection", "Workflow"]).await;
    patch_as(&grace, "by-group", rewrite("by grace")).await;
    lab.refused(PROJECT, "by-group", "NotFound").await;
    let projection = ("ExtensionProjection", PROJECT, secret.as_str());
    lab.until(projection, "is unused", |object| {
        object["status"]["consumers"] == 0 && object["status"]["unusedSince"].is_string()
    })
    .await;
    assert!(
        lab.get("Secret", PROJECT, &secret).await.is_object(),
        "a run that goes on keeps it for the grace period"
    );

    section("who left the group loses the Secret with the next spec that they write");
    let left = person(&lab.cluster, "linus", &["team"]);
    // No look that was wanted before may do the work of this one.
    lab.settled(&["ExtensionProjection", "Workflow"]).await;
    patch_as(&left, "by-group", rewrite("by linus again")).await;
    lab.gone("Secret", PROJECT, &secret).await;
    lab.gone("ExtensionProjection", PROJECT, &secret).await;
}

/// Every place of a Pod that can name a Secret.
fn pods(secret: &str) -> Vec<(&'static str, Value)> {
    let by_key =
        json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    let whole = json!([{"secretRef": {"name": secret}}]);
    let main = json!({"name": "main", "image": "i"});
    let with = |field: &str, value: &Value| {
        let mut container = main.clone();
        container[field] = value.clone();
        container
    };
    let mut first = with("env", &by_key);
    first["name"] = json!("first");
    let mut first_whole = with("envFrom", &whole);
    first_whole["name"] = json!("first");
    vec![
        (
            "volumes",
            json!({"containers": [main], "volumes": [{"name": "v", "secret": {"secretName": secret}}]}),
        ),
        (
            "projected",
            json!({"containers": [main], "volumes": [
                {"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": secret}}]}},
            ]}),
        ),
        (
            "env",
            json!({"containers": [main, {"name": "b", "image": "i", "env": by_key}]}),
        ),
        ("envFrom", json!({"containers": [with("envFrom", &whole)]})),
        (
            "env",
            json!({"containers": [main], "initContainers": [first]}),
        ),
        (
            "envFrom",
            json!({"containers": [main], "initContainers": [first_whole]}),
        ),
    ]
}

async fn only_the_engine_makes_pods(lab: &Lab, people: &People, secret: &str) {
    section("only the engine makes Pods that refer to the Secret");
    let pod = |spec: &Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": PROJECT, "name": "p"}, "spec": spec});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": PROJECT, "name": "default"}});
    let _ = create(&lab.cluster.client(), &account, &PostParams::default()).await;
    let engine = person(&lab.cluster, ENGINE, &["system:masters"]);
    for (place, spec) in pods(secret) {
        for client in [&people.grace, &people.ada] {
            let said = create_dry(client, &pod(&spec)).await.unwrap_err();
            assert!(
                said.contains(place) && said.contains("is of one person"),
                "{place}: {said}"
            );
        }
        let said = create_dry(&engine, &pod(&spec)).await.unwrap_err();
        assert!(
            said.contains("is of one person"),
            "not a run of hers: {said}"
        );
        create_dry(&engine, &of_a_person(pod(&spec))).await.unwrap();
    }
    for (_, spec) in pods("another") {
        create_dry(&people.grace, &pod(&spec)).await.unwrap();
    }

    section("nobody puts a container beside the person's");
    let running = of_a_person(pod(&pods(secret)[0].1));
    create(&engine, &running, &PostParams::default())
        .await
        .unwrap();
    let patch = json!({"spec": {"ephemeralContainers": [{"name": "spy", "image": "i", "targetContainerName": "main"}]}});
    // The role `edit` does not allow it; whoever was granted it is stopped here.
    let admin = lab.cluster.client();
    let pods = objects(&admin, "v1", "Pod", PROJECT);
    let said = pods
        .patch_subresource(
            "ephemeralcontainers",
            "p",
            &PatchParams::default(),
            &Patch::Strategic(patch),
        )
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("is of one person"), "{said}");
}

async fn only_the_operator_names_the_secret(people: &People, secret: &str) {
    section("nobody else writes the name of the Secret into what the engine runs");
    let volume = json!([{"name": "v", "secret": {"secretName": secret}}]);
    let workspace = json!([{"name": "w", "secret": {"secretName": secret}}]);
    let projected =
        json!([{"name": "w", "projected": {"sources": [{"secret": {"name": secret}}]}}]);
    let env =
        json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    let step = json!({"name": "s", "image": "i", "env": env});
    let task = json!({"steps": [step]});
    let cases = [
        ("Task", json!({"steps": [step]})),
        (
            "Task",
            json!({"steps": [], "sidecars": [{"name": "s", "envFrom": [{"secretRef": {"name": secret}}]}]}),
        ),
        ("Task", json!({"steps": [], "stepTemplate": {"env": env}})),
        ("Task", json!({"steps": [], "volumes": volume})),
        ("TaskRun", json!({"taskSpec": task})),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "workspaces": workspace}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "podTemplate": {"volumes": volume}}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "podTemplate": {"env": env}}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "params": [{"name": "p", "value": secret}]}),
        ),
        (
            "Pipeline",
            json!({"tasks": [{"name": "t", "taskSpec": task}]}),
        ),
        (
            "Pipeline",
            json!({"tasks": [], "finally": [{"name": "t", "taskSpec": {"steps": [], "volumes": volume}}]}),
        ),
        (
            "PipelineRun",
            json!({"pipelineSpec": {"tasks": [{"name": "t", "taskSpec": task}]}}),
        ),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "x"}, "workspaces": projected}),
        ),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "x"}, "taskRunTemplate": {"podTemplate": {"volumes": volume}}}),
        ),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "x"}, "taskRunSpecs": [{"podTemplate": {"env": env}}]}),
        ),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "x"}, "params": [{"name": "p", "value": secret}]}),
        ),
    ];
    for (kind, spec) in cases {
        let object = |spec: &Value| json!({"apiVersion": "tekton.dev/v1", "kind": kind, "metadata": {"namespace": PROJECT, "name": "o"}, "spec": spec});
        for client in [&people.grace, &people.ada] {
            let said = create_dry(client, &object(&spec)).await.unwrap_err();
            assert!(said.contains("begins with ext-u-"), "{kind} {spec}: {said}");
        }
        let other: Value =
            serde_json::from_str(&spec.to_string().replace(secret, "another")).unwrap();
        create_dry(&people.grace, &object(&other)).await.unwrap();
    }
}

async fn on_behalf_of_another(lab: &Lab, people: &People) {
    section("on behalf of another needs the right to impersonate that user");
    let mut object = personal_workflow("for-ada");
    object["metadata"]["annotations"] = json!({BEHALF: "ada"});
    let said = create_dry(&people.grace, &object).await.unwrap_err();
    assert!(said.contains("`grace` may not impersonate `ada`"), "{said}");
    lab.cluster
        .kubectl_run(&[
            "create",
            "clusterrole",
            "act-for-ada",
            "--verb=impersonate",
            "--resource=users",
            "--resource-name=ada",
        ])
        .unwrap();
    lab.cluster
        .kubectl_run(&[
            "create",
            "clusterrolebinding",
            "act-for-ada",
            "--clusterrole=act-for-ada",
            "--user=grace",
        ])
        .unwrap();
    eventually(Duration::from_secs(10), "grace may", async || {
        create(&people.grace, &object, &PostParams::default()).await
    })
    .await;
    let bound = lab.ready(PROJECT, "for-ada").await;
    assert_eq!(run_as(&bound)["user"], "ada");
    eventually(Duration::from_secs(10), "grace runs it", async || {
        create_dry(&people.grace, &run("for-ada")).await
    })
    .await;
    // Without the annotation it is hers, by a change of it alone.
    patch_as(
        &people.grace,
        "for-ada",
        json!({"metadata": {"annotations": {BEHALF: null}}}),
    )
    .await;
    lab.refused_again(PROJECT, "for-ada", "NoAccess").await;
}

async fn off_the_list(lab: &Lab, secret: &str) {
    section("who is taken off the list loses the Secret at once");
    let mut record = personal_record();
    record["spec"]["services"][0]["credentials"][0]["user"] = json!(["grace"]);
    lab.apply(&record).await;
    lab.gone("Secret", PROJECT, secret).await;
    lab.gone("ExtensionProjection", PROJECT, secret).await;
    lab.refused_again(PROJECT, "hers", "NoAccess").await;
}

async fn unsigned(lab: &Lab, people: &People) {
    section("an identity that nobody signed is none");
    // As before the webhook was installed.
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        lab.cluster
            .kubectl_run(&["delete", kind, "extension-registry"])
            .unwrap();
    }
    let mut forged = personal_workflow("forged");
    let claim =
        json!({"user": "grace", "groups": ["team"], "signature": "0".repeat(64)}).to_string();
    forged["metadata"]["annotations"] = json!({IDENTITY: claim});
    eventually(
        Duration::from_secs(10),
        "it is stored as it is",
        async || {
            let _ = objects(
                &people.ada,
                "registry.fuseml.io/v1alpha1",
                "Workflow",
                PROJECT,
            )
            .delete("forged", &kube::api::DeleteParams::default())
            .await;
            applied(&people.ada, &forged).await;
            let stored = lab.get("Workflow", PROJECT, "forged").await;
            if stored["metadata"]["annotations"][IDENTITY] == claim.as_str() {
                Ok(())
            } else {
                Err("signed".to_owned())
            }
        },
    )
    .await;
    let refused = lab.refused(PROJECT, "forged", "NoAccess").await;
    assert!(
        message(&refused).contains("the workflow acts for nobody"),
        "{}",
        message(&refused)
    );
    println!("{}", message(&refused));
}
