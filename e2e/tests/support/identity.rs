//! A project with credentials of one user, and the contents of its run gate.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::time::Duration;

use extension_registry_api::{RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION, USER_SECRETS_LABEL};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::{TestEnv, eventually, record, text, workflow};
use crate::users::{create_dry, impersonate, objects, run_by};

pub(crate) const PROJECT: &str = "people";
pub(crate) const TEAM: &str = "team";
pub(crate) const ROBOT: &str = "system:serviceaccount:ci:robot";
pub(crate) const ENGINE: &str =
    "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";

/// Roles of the team: edit the project and run pipelines in it.
const ROLES: &str = "
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
---
apiVersion: v1
kind: ServiceAccount
metadata: {namespace: people, name: default}
";

/// Starts an operator and a project with two records: one for `ada` and a robot, one for `ada` and `linus`.
pub(crate) async fn start_users(test: &str) -> TestEnv {
    let env = TestEnv::start(test, &[]).await;
    env.namespace(PROJECT);
    create_roles(&env).await;
    env.apply(&user_record()).await;
    let shared = json!([{"name": "own", "scope": "user", "user": ["ada", "linus"]}]);
    env.apply(&record("shared", &shared)).await;
    // A workflow that is reconciled before would be held for a moment.
    for name in ["personal", "shared"] {
        env.wait_until_observed("ClusterExtension", "", name).await;
    }
    env
}

/// Creates the roles of the team, and waits until the API server grants them: it observes bindings, and `edit` aggregates
/// the roles of the chart, with a delay.
pub(crate) async fn create_roles(env: &TestEnv) {
    env.cluster.apply(ROLES).unwrap();
    for what in ["workflows.registry.fuseml.io", "pipelineruns.tekton.dev"] {
        let can = ["auth", "can-i", "create", what, "-n", PROJECT];
        let can = [&can[..], &["--as=ada", "--as-group", TEAM]].concat();
        let may = format!("the team may create {what}");
        // The answer `no` has exit code 1.
        eventually(Duration::from_mins(2), &may, async || {
            let answer = env.cluster.kubectl_run(&can);
            answer.map_err(|error| error.to_string())
        })
        .await;
    }
}

pub(crate) fn user_record() -> Value {
    let configuration = json!([{"name": "TOKEN", "value": "t-1"}]);
    let credentials = json!([{"name": "hers", "scope": "user", "user": ["ada", ROBOT],
        "configuration": configuration}]);
    record("personal", &credentials)
}

pub(crate) fn user_workflow(name: &str) -> Value {
    workflow(PROJECT, name, &json!({"product": "personal"}))
}

pub(crate) fn run(pipeline: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"namespace": PROJECT, "name": "run"},
        "spec": {"pipelineRef": {"name": pipeline}},
    })
}

/// Returns a Pod with a Secret as the engine creates it for a run.
pub(crate) fn pod(secret: &str, user: &str, groups: &str) -> Value {
    let container =
        json!({"name": "main", "image": "i", "envFrom": [{"secretRef": {"name": secret}}]});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": PROJECT, "name": "p", "labels": {USER_SECRETS_LABEL: "true"}},
        "spec": {"containers": [container]},
    });
    let mut pod = run_by(pod, user);
    pod["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] = json!(groups);
    pod
}

/// Returns the Secret name of the first binding of a workflow.
pub(crate) fn secret_of(workflow: &Value) -> String {
    text(&workflow["status"]["bindings"][0]["secret"]).to_owned()
}

/// Returns the run gate of the project, or null.
pub(crate) async fn gate(env: &TestEnv) -> Value {
    env.get("RunGate", PROJECT, "extension-registry").await
}

/// Returns the users by the names of their Secrets.
pub(crate) async fn listed(env: &TestEnv) -> Value {
    gate(env).await["spec"]["userSecrets"].clone()
}

/// Returns the reasons by the names of held Pipelines, or null.
pub(crate) async fn held(env: &TestEnv) -> Value {
    gate(env).await["spec"]["heldPipelines"].clone()
}

/// Returns the etcd revision of the last write of an object, which is comparable across objects.
pub(crate) fn revision(object: &Value) -> u64 {
    text(&object["metadata"]["resourceVersion"])
        .parse()
        .unwrap()
}

/// Patches a workflow of the project.
pub(crate) async fn patch_as(client: &Client, name: &str, patch: Value) {
    objects(client, "registry.fuseml.io/v1alpha1", "Workflow", PROJECT)
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

/// Asserts that Pods of runs of `grace` that refer to the Secret of `ada` are refused.
pub(crate) async fn no_pod_for_grace(env: &TestEnv, secret: &str) {
    let engine = impersonate(&env.cluster, ENGINE, &["system:masters"]);
    let grace = impersonate(&env.cluster, "grace", &[TEAM]);
    let foreign = pod(secret, "grace", "");
    let expected = "belongs to `ada`, and this run was started by `grace`";
    // The policies observe the run gate with a delay.
    eventually(
        Duration::from_mins(1),
        "the Pod is refused",
        async || match create_dry(&engine, &foreign).await {
            Err(message) if message.contains(expected) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    let mut unlabelled = foreign.clone();
    unlabelled["metadata"]["labels"] = json!({});
    let message = create_dry(&engine, &unlabelled).await.unwrap_err();
    assert!(message.contains(USER_SECRETS_LABEL), "{message}");
    let own = create_dry(&grace, &pod(secret, "ada", "")).await;
    assert!(own.unwrap_err().contains("only Pods of that user's runs"));
}

/// Returns the user that a run is stamped with.
pub(crate) async fn user_of_run(client: &Client, run: &Value) -> String {
    let runs = objects(client, "tekton.dev/v1", "PipelineRun", PROJECT);
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let run = serde_json::from_value(run.clone()).unwrap();
    let created = runs.create(&dry_run, &run).await.unwrap();
    let annotations = created.metadata.annotations.unwrap_or_default();
    annotations
        .get(RUN_BY_ANNOTATION)
        .cloned()
        .unwrap_or_default()
}
