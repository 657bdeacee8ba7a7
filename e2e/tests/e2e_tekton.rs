//! Runs of workflows by Tekton itself, where the given cluster has it: whose runs get the Secret of a
//! user, and how every other run ends.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/people.rs"]
mod people;
mod support;

use std::fmt::Write as _;
use std::time::Duration;

use extension_registry_api::{RUN_BY_ANNOTATION, USER_SECRETS_LABEL};
use extension_registry_e2e::cluster::KUBECONFIG_VARIABLE;
use extension_registry_e2e::{Cluster, leave_out};
use kube::Client;
use kube::api::PostParams;
use people::{create, create_dry, of_kubeconfig, person};
use serde_json::{Value, json};
use support::{Lab, condition, eventually, list, record, section, text, workflow};

const PROJECT: &str = "tekton-users";
const CI: &str = "tekton-ci";
const ROBOT: &str = "system:serviceaccount:tekton-ci:robot";
const TEAM: &str = "tekton-team";
const VALUE: &str = "canary-of-ada";
const IMAGE: &str = "busybox:1.37";
/// How long a run may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// The team edits the project and runs what it likes, but reads no Secret.
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tekton-team}
rules:
  - {apiGroups: [tekton.dev], resources: ['*'], verbs: ['*']}
  - {apiGroups: [registry.fuseml.io], resources: [workflows], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: tekton-users, name: tekton-team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tekton-team}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: tekton-team}
  - {kind: ServiceAccount, namespace: tekton-ci, name: robot}
---
apiVersion: v1
kind: ServiceAccount
metadata: {namespace: tekton-ci, name: robot}
";

struct Scene {
    lab: Lab,
    ada: Client,
    grace: Client,
    robot: Client,
    /// Of `ada`.
    secret: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn tekton_gives_the_secret_of_a_user_to_runs_of_that_user() {
    let what = "runs of users by Tekton";
    let Some(path) = std::env::var_os(KUBECONFIG_VARIABLE) else {
        // Never a failure: only a cluster that was given can have it.
        leave_out(what, "no cluster is given");
        return;
    };
    let cluster = Cluster::existing(path.as_ref()).await.unwrap();
    if let Some(why) = cluster.node_missing() {
        leave_out(what, why);
        return;
    }
    if !cluster.has_engine() {
        leave_out(what, "the cluster has no Tekton");
        return;
    }
    // Where the cluster cannot fetch it.
    let _ = cluster.image_alias(IMAGE).await;
    let scene = begin().await;
    runs_of_the_user_get_the_secret(&scene).await;
    runs_of_others_fail(&scene).await;
    what_others_write_themselves_fails(&scene).await;
    what_cannot_be_created(&scene).await;
    a_held_pipeline_does_not_start(&scene).await;
    for namespace in [PROJECT, CI] {
        let delete = ["delete", "namespace", namespace, "--wait=false"];
        scene.lab.cluster.kubectl_run(&delete).unwrap();
    }
    for record in ["tekton-user", "tekton-open"] {
        let delete = ["delete", "cext", record, "--ignore-not-found"];
        scene.lab.cluster.kubectl_run(&delete).unwrap();
    }
    scene.lab.stop().await;
}

async fn begin() -> Scene {
    let lab = Lab::start("tekton", &[]).await;
    let delete = ["delete", "namespace", PROJECT, CI, "--ignore-not-found"];
    lab.cluster.kubectl_run(&delete).unwrap();
    lab.namespace(PROJECT);
    lab.namespace(CI);
    lab.cluster.apply(RIGHTS).unwrap();
    let configuration = json!([{"name": "TOKEN", "value": VALUE}]);
    let credentials = json!([{"name": "hers", "scope": "user", "user": ["ada", ROBOT],
        "configuration": configuration}]);
    lab.apply(&record("tekton-user", &credentials)).await;
    lab.apply(&record("tekton-open", &json!([{"name": "all"}])))
        .await;
    let robot = lab.cluster.kubeconfig_of(CI, "robot").unwrap();
    let mut scene = Scene {
        ada: person(&lab.cluster, "ada", &[TEAM]),
        grace: person(&lab.cluster, "grace", &[TEAM]),
        robot: of_kubeconfig(&robot).await,
        secret: String::new(),
        lab,
    };
    let account = ("ServiceAccount", PROJECT, "default");
    scene.lab.until(account, "is there", Value::is_object).await;
    let mut train = workflow(PROJECT, "train", &json!({"product": "tekton-user"}));
    let step = &mut train["spec"]["steps"][0];
    step["image"] = json!(IMAGE);
    step["command"] = json!(["sh", "-c"]);
    step["args"] = json!([format!(
        "{} > /tekton/results/$TASK_RESULT",
        digest("$TOKEN")
    )]);
    step["outputs"] = json!([{"name": "digest"}]);
    train["spec"]["outputs"] = json!([{"name": "digest"}]);
    started(&scene.ada, &train).await;
    let ready = scene.lab.ready(PROJECT, "train").await;
    text(&ready["status"]["bindings"][0]["secret"]).clone_into(&mut scene.secret);
    scene
}

/// Shell text that prints the digest of a text.
fn digest(text: &str) -> String {
    format!("printf %s \"{text}\" | sha256sum | cut -c 1-64 | tr -d '\\n'")
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

async fn started(client: &Client, object: &Value) {
    create(client, object, &PostParams::default())
        .await
        .unwrap();
}

fn run(name: &str, spec: Value) -> Value {
    let mut run = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"namespace": PROJECT, "name": name},
    });
    run["spec"] = spec;
    run
}

fn of_train() -> Value {
    json!({"pipelineRef": {"name": "train"}})
}

fn labelled(mut run: Value) -> Value {
    run["metadata"]["labels"] = json!({USER_SECRETS_LABEL: "true"});
    run
}

/// A task that reads the Secret and fails without it.
fn thief(secret: &str) -> Value {
    let env =
        json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    json!({"steps": [{"name": "s", "image": IMAGE, "command": ["sh", "-c"], "args": ["test -n \"$TOKEN\""], "env": env}]})
}

fn embedded(task: Value) -> Value {
    let mut spec = json!({"pipelineSpec": {"tasks": [{"name": "t"}]}});
    spec["pipelineSpec"]["tasks"][0]["taskSpec"] = task;
    spec
}

/// Waits until a run has ended.
async fn ended(lab: &Lab, kind: &str, name: &str) -> Value {
    eventually(PATIENCE, &format!("{kind} {name} ends"), async || {
        let run = lab.get(kind, PROJECT, name).await;
        match text(&condition(&run, "Succeeded")["status"]) {
            "True" | "False" => Ok(run),
            _ => Err(run["status"].to_string()),
        }
    })
    .await
}

async fn runs_of_the_user_get_the_secret(scene: &Scene) {
    section("a run of the user, and one of a listed service account, gets the Secret");
    let lab = &scene.lab;
    let own = labelled(run("own", embedded(thief(&scene.secret))));
    started(&scene.ada, &run("by-ada", of_train())).await;
    started(&scene.robot, &run("by-robot", of_train())).await;
    started(&scene.ada, &own).await;
    for (name, user) in [("by-ada", "ada"), ("by-robot", ROBOT)] {
        let run = ended(lab, "PipelineRun", name).await;
        assert_eq!(
            condition(&run, "Succeeded")["status"],
            "True",
            "{:#}",
            run["status"]
        );
        assert_eq!(run["status"]["results"][0]["value"], sha256(VALUE).as_str());
        let pod = pod_of(lab, name).await;
        let metadata = &pod["metadata"];
        assert_eq!(metadata["annotations"][RUN_BY_ANNOTATION], user);
        assert_eq!(metadata["labels"][USER_SECRETS_LABEL], "true");
        assert!(!pod.to_string().contains(VALUE) && !run.to_string().contains(VALUE));
    }
    let run = ended(lab, "PipelineRun", "own").await;
    assert_eq!(
        condition(&run, "Succeeded")["status"],
        "True",
        "{:#}",
        run["status"]
    );
}

/// The Pod of the only task of a run.
async fn pod_of(lab: &Lab, run: &str) -> Value {
    let pods = lab.list("Pod", PROJECT).await;
    let is_of = |pod: &&Value| pod["metadata"]["labels"]["tekton.dev/pipelineRun"] == run;
    pods.iter().find(is_of).unwrap().clone()
}

async fn runs_of_others_fail(scene: &Scene) {
    section("a run of another user fails, and its TaskRun says why");
    let lab = &scene.lab;
    let cluster = |params: Value| json!({"pipelineRef": {"resolver": "cluster", "params": params}});
    let param = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut templated = cluster(json!([
        param("kind", "pipeline"),
        param("name", "tr$(params.n)"),
        param("namespace", PROJECT)
    ]));
    templated["params"] = json!([param("n", "ain")]);
    let mut hosts = of_train();
    hosts["taskRunTemplate"] = json!({"podTemplate": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["store.example.org"]}]}});
    let specs = [
        ("by-grace", of_train()),
        ("templated", templated),
        ("hosts", hosts),
    ];
    for (name, spec) in &specs {
        let mut run = run(name, spec.clone());
        run["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
        started(&scene.grace, &run).await;
    }
    for (name, _) in &specs {
        fails(
            lab,
            name,
            &format!(
                "Secret `{}` belongs to `ada`, and this run was started by `grace`",
                scene.secret
            ),
        )
        .await;
    }
}

/// The run fails, and the message of its only `TaskRun` has this text.
async fn fails(lab: &Lab, name: &str, expected: &str) {
    let run = ended(lab, "PipelineRun", name).await;
    assert_eq!(
        condition(&run, "Succeeded")["status"],
        "False",
        "{:#}",
        run["status"]
    );
    let children = list(&run["status"]["childReferences"]);
    let [child] = children else {
        panic!("{name} has no TaskRun: {:#}", run["status"]);
    };
    task_fails(lab, text(&child["name"]), expected).await;
}

async fn task_fails(lab: &Lab, name: &str, expected: &str) {
    let task = ended(lab, "TaskRun", name).await;
    let succeeded = condition(&task, "Succeeded");
    assert_eq!(succeeded["status"], "False", "{:#}", task["status"]);
    let message = text(&succeeded["message"]);
    assert!(
        message.contains(expected),
        "{name}: {expected} is not in: {message}"
    );
    assert!(message.contains("hint: "), "{message}");
    assert!(
        task["status"]["podName"]
            .as_str()
            .unwrap_or_default()
            .is_empty()
    );
}

async fn what_others_write_themselves_fails(scene: &Scene) {
    section("what another user writes into a run of their own fails");
    let lab = &scene.lab;
    let secret = &scene.secret;
    let volume = |name: &str| json!([{"name": "v", "secret": {"secretName": name}}]);
    let plain = json!({"steps": [{"name": "s", "image": IMAGE, "command": ["true"]}]});
    let mut by_param = plain.clone();
    by_param["params"] = json!([{"name": "s", "default": secret}]);
    by_param["volumes"] = volume("$(params.s)");
    let mut by_workspace = plain.clone();
    by_workspace["workspaces"] = json!([{"name": "w"}]);
    let mut workspace = embedded(by_workspace);
    workspace["pipelineSpec"]["workspaces"] = json!([{"name": "w"}]);
    workspace["pipelineSpec"]["tasks"][0]["workspaces"] = json!([{"name": "w"}]);
    workspace["workspaces"] = json!([{"name": "w", "secret": {"secretName": secret}}]);
    let mut specs = embedded(plain.clone());
    let env =
        json!([{"name": "T", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    specs["taskRunSpecs"] = json!([{"pipelineTaskName": "t", "podTemplate": {"env": env}}]);
    let mut template = embedded(plain);
    template["taskRunTemplate"] = json!({"podTemplate": {"volumes": volume(secret)}});
    let cases = [
        ("embedded", embedded(thief(secret))),
        ("by-param", embedded(by_param)),
        ("workspace", workspace),
        ("specs", specs),
        ("template", template),
    ];
    for (name, spec) in &cases {
        started(&scene.grace, &labelled(run(name, spec.clone()))).await;
        started(&scene.grace, &run(&format!("{name}-plain"), spec.clone())).await;
    }
    let mut task = labelled(run("task", json!({"taskSpec": thief(secret)})));
    task["kind"] = json!("TaskRun");
    started(&scene.grace, &task).await;
    for (name, _) in &cases {
        fails(
            lab,
            name,
            "belongs to `ada`, and this run was started by `grace`",
        )
        .await;
        fails(
            lab,
            &format!("{name}-plain"),
            "must have the label registry.fuseml.io/user-secrets",
        )
        .await;
    }
    task_fails(
        lab,
        "task",
        "belongs to `ada`, and this run was started by `grace`",
    )
    .await;
}

async fn what_cannot_be_created(scene: &Scene) {
    section("a run that sets its user in a template is not created");
    let metadata = json!({"annotations": {RUN_BY_ANNOTATION: "ada"}});
    let mut task = thief(&scene.secret);
    task["metadata"] = metadata.clone();
    let mut specs = of_train();
    specs["taskRunSpecs"] = json!([{"pipelineTaskName": "train", "metadata": metadata}]);
    for spec in [embedded(task), specs] {
        let said = create_dry(&scene.grace, &run("x", spec)).await.unwrap_err();
        assert!(said.contains("is reserved for runs"), "{said}");
    }

    section("no resolver sends the Secret elsewhere");
    let params = json!([
        {"name": "url", "value": "http://127.0.0.1:1/task.yaml"},
        {"name": "http-username", "value": "x"},
        {"name": "http-password-secret", "value": scene.secret},
        {"name": "http-password-secret-key", "value": "TOKEN"},
    ]);
    let mut fetched = run(
        "fetched",
        json!({"taskRef": {"resolver": "http", "params": params}}),
    );
    fetched["kind"] = json!("TaskRun");
    started(&scene.grace, &fetched).await;
    let task = ended(&scene.lab, "TaskRun", "fetched").await;
    let message = text(&condition(&task, "Succeeded")["message"]);
    assert!(
        message.contains("is not available to resolvers"),
        "{message}"
    );
}

async fn a_held_pipeline_does_not_start(scene: &Scene) {
    section("a held Pipeline does not start, and a pending run of it is not released");
    let lab = &scene.lab;
    let mut open = workflow(PROJECT, "open", &json!({"product": "tekton-open"}));
    open["spec"]["steps"][0]["image"] = json!(IMAGE);
    started(&scene.grace, &open).await;
    lab.ready(PROJECT, "open").await;
    let pending = json!({"pipelineRef": {"name": "open"}, "status": "PipelineRunPending"});
    started(&scene.grace, &run("pending", pending)).await;
    lab.delete("ClusterExtension", "", "tekton-open").await;
    lab.refused_again(PROJECT, "open", "NotFound").await;
    let spec = json!({"pipelineRef": {"name": "open"}});
    eventually(
        Duration::from_secs(20),
        "it is on hold",
        async || match create_dry(&scene.grace, &run("held", spec.clone())).await {
            Err(said) if said.contains("is on hold") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    let release = json!({"spec": {"status": null}}).to_string();
    let patch = [
        "patch",
        "pipelinerun",
        "pending",
        "-n",
        PROJECT,
        "--type=merge",
        "-p",
        &release,
    ];
    let said = lab.cluster.kubectl_run(&patch).unwrap_err().to_string();
    assert!(said.contains("is on hold"), "{said}");
    let waits = lab.get("PipelineRun", PROJECT, "pending").await;
    assert_eq!(
        condition(&waits, "Succeeded")["reason"],
        "PipelineRunPending"
    );
    assert!(waits["status"]["childReferences"].is_null(), "{waits}");
}
