//! A project with credentials of one user, and what the run gate says of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a helper of several tests, each of which uses a part of it"
)]

use extension_registry_api::{RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION, USER_SECRETS_LABEL};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::people::{create_dry, objects, person, run_by};
use crate::support::{Lab, record, text, workflow};

pub(crate) const PROJECT: &str = "people";
pub(crate) const TEAM: &str = "team";
pub(crate) const ROBOT: &str = "system:serviceaccount:ci:robot";
pub(crate) const ENGINE: &str =
    "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";

/// The team may edit the project and run pipelines there.
pub(crate) const RIGHTS: &str = "
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

/// An operator and a project with two records: of `ada` and a robot, and of `ada` and `linus`.
pub(crate) async fn start_users(test: &str) -> Lab {
    let lab = Lab::start(test, &[]).await;
    lab.namespace(PROJECT);
    lab.cluster.apply(RIGHTS).unwrap();
    lab.apply(&user_record()).await;
    let shared = json!([{"name": "own", "scope": "user", "user": ["ada", "linus"]}]);
    lab.apply(&record("shared", &shared)).await;
    lab
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

/// A Pod with a Secret, as the engine creates it for a run.
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

/// Name of the Secret of the first binding of a workflow.
pub(crate) fn secret_of(workflow: &Value) -> String {
    text(&workflow["status"]["bindings"][0]["secret"]).to_owned()
}

/// The run gate of the project; null where there is none.
pub(crate) async fn gate(lab: &Lab) -> Value {
    lab.get("RunGate", PROJECT, "extension-registry").await
}

/// Users by the names of their Secrets.
pub(crate) async fn listed(lab: &Lab) -> Value {
    gate(lab).await["spec"]["userSecrets"].clone()
}

/// Reasons by the names of held Pipelines; null where there are none.
pub(crate) async fn held(lab: &Lab) -> Value {
    gate(lab).await["spec"]["heldPipelines"].clone()
}

/// Revision of the store at which an object was last written: comparable among all objects.
pub(crate) fn revision(object: &Value) -> u64 {
    text(&object["metadata"]["resourceVersion"])
        .parse()
        .unwrap()
}

/// Changes a workflow of the project.
pub(crate) async fn patch_as(client: &Client, name: &str, patch: Value) {
    objects(client, "registry.fuseml.io/v1alpha1", "Workflow", PROJECT)
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

/// The Pod of a run of `grace` that refers to the Secret of `ada`, however it came to, is refused.
pub(crate) async fn no_pod_for_grace(lab: &Lab, secret: &str) {
    let engine = person(&lab.cluster, ENGINE, &["system:masters"]);
    let grace = person(&lab.cluster, "grace", &[TEAM]);
    let foreign = pod(secret, "grace", "");
    let said = create_dry(&engine, &foreign).await.unwrap_err();
    assert!(
        said.contains("belongs to `ada`, and this run was started by `grace`"),
        "{said}"
    );
    let mut unlabelled = foreign.clone();
    unlabelled["metadata"]["labels"] = json!({});
    let said = create_dry(&engine, &unlabelled).await.unwrap_err();
    assert!(said.contains(USER_SECRETS_LABEL), "{said}");
    let own = create_dry(&grace, &pod(secret, "ada", "")).await;
    assert!(own.unwrap_err().contains("only Pods of that user's runs"));
}

/// The user that a run is stamped with.
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
