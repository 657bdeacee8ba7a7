//! Runs of workflows by Tekton itself, if the existing cluster has it: which runs get the Secret of a user,
//! and how all others fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;
#[path = "support/users.rs"]
mod users;

use std::fmt::Write as _;
use std::time::Duration;

use extension_registry_api::{RUN_BY_ANNOTATION, USER_SECRETS_LABEL};
use extension_registry_e2e::cluster::KUBECONFIG_VARIABLE;
use extension_registry_e2e::{Cluster, skip_part};
use kube::Client;
use kube::api::PostParams;
use serde_json::{Value, json};
use support::{TestEnv, condition, eventually, list, record, section, text, workflow};
use users::{client_from_kubeconfig, create, create_dry, impersonate};

const PROJECT: &str = "tekton-users";
const CI: &str = "tekton-ci";
const ROBOT: &str = "system:serviceaccount:tekton-ci:robot";
const TEAM: &str = "tekton-team";
const VALUE: &str = "canary-of-ada";
const IMAGE: &str = "busybox:1.37";
/// Time limit for a run.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Roles of the team: edit the project and start any run, but read no Secrets.
const ROLES: &str = "
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
    env: TestEnv,
    ada: Client,
    grace: Client,
    robot: Client,
    /// Name of the rendered Secret of `ada`.
    secret: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn tekton_gives_user_secrets_only_to_runs_of_that_user() {
    let what = "runs of users by Tekton";
    let Some(path) = std::env::var_os(KUBECONFIG_VARIABLE) else {
        // Always skipped, never failed: only an existing cluster can have Tekton.
        skip_part(what, "no existing cluster is set");
        return;
    };
    let cluster = Cluster::existing(path.as_ref()).await.unwrap();
    if let Some(why) = cluster.node_missing() {
        skip_part(what, why);
        return;
    }
    if !cluster.has_engine() {
        skip_part(what, "the cluster has no Tekton");
        return;
    }
    // For clusters that cannot pull the image.
    let _ = cluster.image_alias(IMAGE).await;
    let scene = setup().await;
    runs_of_the_user_get_the_secret(&scene).await;
    runs_of_other_users_fail(&scene).await;
    self_written_runs_of_other_users_fail(&scene).await;
    rejects_runs_that_set_the_user(&scene).await;
    held_pipeline_does_not_start(&scene).await;
    for namespace in [PROJECT, CI] {
        let delete = ["delete", "namespace", namespace, "--wait=false"];
        scene.env.cluster.kubectl_run(&delete).unwrap();
    }
    for record in ["tekton-user", "tekton-open"] {
        let delete = ["delete", "cext", record, "--ignore-not-found"];
        scene.env.cluster.kubectl_run(&delete).unwrap();
    }
    scene.env.stop().await;
}

async fn setup() -> Scene {
    let env = TestEnv::start("tekton", &[]).await;
    let delete = ["delete", "namespace", PROJECT, CI, "--ignore-not-found"];
    env.cluster.kubectl_run(&delete).unwrap();
    env.namespace(PROJECT);
    env.namespace(CI);
    env.cluster.apply(ROLES).unwrap();
    let configuration = json!([{"name": "TOKEN", "value": VALUE}]);
    let credentials = json!([{"name": "hers", "scope": "user", "user": ["ada", ROBOT],
        "configuration": configuration}]);
    env.apply(&record("tekton-user", &credentials)).await;
    env.apply(&record("tekton-open", &json!([{"name": "all"}])))
        .await;
    let robot = env.cluster.kubeconfig_of(CI, "robot").unwrap();
    let mut scene = Scene {
        ada: impersonate(&env.cluster, "ada", &[TEAM]),
        grace: impersonate(&env.cluster, "grace", &[TEAM]),
        robot: client_from_kubeconfig(&robot).await,
        secret: String::new(),
        env,
    };
    let account = ("ServiceAccount", PROJECT, "default");
    scene
        .env
        .wait_until(account, "exists", Value::is_object)
        .await;
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
    start_run(&scene.ada, &train).await;
    let ready = scene.env.wait_until_ready(PROJECT, "train").await;
    text(&ready["status"]["bindings"][0]["secret"]).clone_into(&mut scene.secret);
    scene
}

/// Returns a shell command that prints the digest of a text.
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

async fn start_run(client: &Client, object: &Value) {
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

fn train_spec() -> Value {
    json!({"pipelineRef": {"name": "train"}})
}

fn with_label(mut run: Value) -> Value {
    run["metadata"]["labels"] = json!({USER_SECRETS_LABEL: "true"});
    run
}

/// Returns a task that reads the Secret, and fails without it.
fn task_that_reads(secret: &str) -> Value {
    let variables =
        json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    json!({"steps": [{"name": "s", "image": IMAGE, "command": ["sh", "-c"], "args": ["test -n \"$TOKEN\""], "env": variables}]})
}

fn embedded(task: Value) -> Value {
    let mut spec = json!({"pipelineSpec": {"tasks": [{"name": "t"}]}});
    spec["pipelineSpec"]["tasks"][0]["taskSpec"] = task;
    spec
}

/// Waits until a run has completed.
async fn wait_until_ended(env: &TestEnv, kind: &str, name: &str) -> Value {
    eventually(TIMEOUT, &format!("{kind} {name} ends"), async || {
        let run = env.get(kind, PROJECT, name).await;
        match text(&condition(&run, "Succeeded")["status"]) {
            "True" | "False" => Ok(run),
            _ => Err(run["status"].to_string()),
        }
    })
    .await
}

async fn runs_of_the_user_get_the_secret(scene: &Scene) {
    section("a run of the user, and one of a listed service account, gets the Secret");
    let env = &scene.env;
    let own = with_label(run("own", embedded(task_that_reads(&scene.secret))));
    start_run(&scene.ada, &run("by-ada", train_spec())).await;
    start_run(&scene.robot, &run("by-robot", train_spec())).await;
    start_run(&scene.ada, &own).await;
    for (name, user) in [("by-ada", "ada"), ("by-robot", ROBOT)] {
        let run = wait_until_ended(env, "PipelineRun", name).await;
        assert_eq!(
            condition(&run, "Succeeded")["status"],
            "True",
            "{:#}",
            run["status"]
        );
        assert_eq!(run["status"]["results"][0]["value"], sha256(VALUE).as_str());
        let pod = pod_of(env, name).await;
        let metadata = &pod["metadata"];
        assert_eq!(metadata["annotations"][RUN_BY_ANNOTATION], user);
        assert_eq!(metadata["labels"][USER_SECRETS_LABEL], "true");
        assert!(!pod.to_string().contains(VALUE) && !run.to_string().contains(VALUE));
    }
    let run = wait_until_ended(env, "PipelineRun", "own").await;
    assert_eq!(
        condition(&run, "Succeeded")["status"],
        "True",
        "{:#}",
        run["status"]
    );
}

/// Returns the Pod of the only task of a run.
async fn pod_of(env: &TestEnv, run: &str) -> Value {
    let pods = env.list("Pod", PROJECT).await;
    let is_of_run = |pod: &&Value| pod["metadata"]["labels"]["tekton.dev/pipelineRun"] == run;
    pods.iter().find(is_of_run).unwrap().clone()
}

async fn runs_of_other_users_fail(scene: &Scene) {
    section("a run of another user fails, and its TaskRun reports why");
    let env = &scene.env;
    let cluster = |params: Value| json!({"pipelineRef": {"resolver": "cluster", "params": params}});
    let param = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut templated = cluster(json!([
        param("kind", "pipeline"),
        param("name", "tr$(params.n)"),
        param("namespace", PROJECT)
    ]));
    templated["params"] = json!([param("n", "ain")]);
    let mut hosts = train_spec();
    hosts["taskRunTemplate"] = json!({"podTemplate": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["store.example.org"]}]}});
    let specs = [
        ("by-grace", train_spec()),
        ("templated", templated),
        ("hosts", hosts),
    ];
    for (name, spec) in &specs {
        let mut run = run(name, spec.clone());
        run["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
        start_run(&scene.grace, &run).await;
    }
    for (name, _) in &specs {
        assert_run_fails(
            env,
            name,
            &format!(
                "Secret `{}` belongs to `ada`, and this run was started by `grace`",
                scene.secret
            ),
        )
        .await;
    }
}

/// Asserts that the run fails, and that the message of its only `TaskRun` contains this text.
async fn assert_run_fails(env: &TestEnv, name: &str, expected: &str) {
    let run = wait_until_ended(env, "PipelineRun", name).await;
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
    assert_task_fails(env, text(&child["name"]), expected).await;
}

async fn assert_task_fails(env: &TestEnv, name: &str, expected: &str) {
    let task = wait_until_ended(env, "TaskRun", name).await;
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

async fn self_written_runs_of_other_users_fail(scene: &Scene) {
    section("references in a run of another user fail");
    let env = &scene.env;
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
    let variables =
        json!([{"name": "T", "valueFrom": {"secretKeyRef": {"name": secret, "key": "TOKEN"}}}]);
    specs["taskRunSpecs"] = json!([{"pipelineTaskName": "t", "podTemplate": {"env": variables}}]);
    let mut template = embedded(plain);
    template["taskRunTemplate"] = json!({"podTemplate": {"volumes": volume(secret)}});
    let cases = [
        ("embedded", embedded(task_that_reads(secret))),
        ("by-param", embedded(by_param)),
        ("workspace", workspace),
        ("specs", specs),
        ("template", template),
    ];
    for (name, spec) in &cases {
        start_run(&scene.grace, &with_label(run(name, spec.clone()))).await;
        start_run(&scene.grace, &run(&format!("{name}-plain"), spec.clone())).await;
    }
    let mut task = with_label(run("task", json!({"taskSpec": task_that_reads(secret)})));
    task["kind"] = json!("TaskRun");
    start_run(&scene.grace, &task).await;
    for (name, _) in &cases {
        assert_run_fails(
            env,
            name,
            "belongs to `ada`, and this run was started by `grace`",
        )
        .await;
        assert_run_fails(
            env,
            &format!("{name}-plain"),
            "must have the label registry.fuseml.io/user-secrets",
        )
        .await;
    }
    assert_task_fails(
        env,
        "task",
        "belongs to `ada`, and this run was started by `grace`",
    )
    .await;
}

async fn rejects_runs_that_set_the_user(scene: &Scene) {
    section("a run that sets its user in a template is not created");
    let metadata = json!({"annotations": {RUN_BY_ANNOTATION: "ada"}});
    let mut task = task_that_reads(&scene.secret);
    task["metadata"] = metadata.clone();
    let mut specs = train_spec();
    specs["taskRunSpecs"] = json!([{"pipelineTaskName": "train", "metadata": metadata}]);
    for spec in [embedded(task), specs] {
        let message = create_dry(&scene.grace, &run("x", spec)).await.unwrap_err();
        assert!(message.contains("is reserved for runs"), "{message}");
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
    start_run(&scene.grace, &fetched).await;
    let task = wait_until_ended(&scene.env, "TaskRun", "fetched").await;
    let message = text(&condition(&task, "Succeeded")["message"]);
    assert!(
        message.contains("is not available to resolvers"),
        "{message}"
    );
}

async fn held_pipeline_does_not_start(scene: &Scene) {
    section("a held Pipeline does not start, and a pending run of it is not released");
    let env = &scene.env;
    let mut open = workflow(PROJECT, "open", &json!({"product": "tekton-open"}));
    open["spec"]["steps"][0]["image"] = json!(IMAGE);
    start_run(&scene.grace, &open).await;
    env.wait_until_ready(PROJECT, "open").await;
    let pending = json!({"pipelineRef": {"name": "open"}, "status": "PipelineRunPending"});
    start_run(&scene.grace, &run("pending", pending)).await;
    env.delete("ClusterExtension", "", "tekton-open").await;
    env.wait_until_refused_without_spec_change(PROJECT, "open", "NotFound")
        .await;
    let spec = json!({"pipelineRef": {"name": "open"}});
    eventually(
        Duration::from_mins(1),
        "it is on hold",
        async || match create_dry(&scene.grace, &run("held", spec.clone())).await {
            Err(message) if message.contains("is on hold") => Ok(()),
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
    let message = env.cluster.kubectl_run(&patch).unwrap_err().to_string();
    assert!(message.contains("is on hold"), "{message}");
    let waits = env.get("PipelineRun", PROJECT, "pending").await;
    assert_eq!(
        condition(&waits, "Succeeded")["reason"],
        "PipelineRunPending"
    );
    assert!(waits["status"]["childReferences"].is_null(), "{waits}");
}
