//! A cluster with the admission policies of the chart, without an operator, and clients of several users.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::time::{Duration, Instant};

use extension_registry_api::{RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION, USER_SECRETS_LABEL};
use extension_registry_e2e::chart::{RELEASE, WITHOUT_WEBHOOK};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Options};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::users::{self, objects};

pub(crate) const ENGINE: &str =
    "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";
pub(crate) const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
pub(crate) const OPERATOR: &str = "system:serviceaccount:extension-registry:extension-registry";
/// A Secret of `ada` that the run gates of the tests list.
pub(crate) const SECRET: &str = "ext-u-store-0123456789abcdef";
/// Group of the users; its roles allow everything that the tests do.
pub(crate) const TEAM: &str = "policy-team";

pub(crate) const REGISTRY: &str = "registry.fuseml.io/v1alpha1";
pub(crate) const TEKTON: &str = "tekton.dev/v1";

/// Roles of the group: everything except impersonate.
const ROLES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: policy-team}
rules:
  - {apiGroups: [tekton.dev, resolution.tekton.dev, registry.fuseml.io], resources: ['*'], verbs: ['*']}
  - {apiGroups: [''], resources: [pods, pods/ephemeralcontainers, secrets], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: policy-team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: policy-team}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: policy-team}]
";

/// The garbage collector discovers new kinds every 30 seconds.
const TIMEOUT: Duration = Duration::from_mins(4);
/// The policies observe a change within a second, but later on a slow machine.
const POLICY_TIMEOUT: Duration = Duration::from_mins(1);

/// Result of a request: the object, or the message of the refusal.
pub(crate) type Outcome = Result<Value, String>;

fn without_node() -> Options {
    Options {
        node: Node::None,
        ..Options::default()
    }
}

/// The cluster and clients of its users.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) project: &'static str,
    pub(crate) ada: Client,
    pub(crate) grace: Client,
    pub(crate) engine: Client,
    pub(crate) collector: Client,
    /// The operator's account with all permissions, so that only policies limit it.
    pub(crate) operator: Client,
    /// The operator's account with its token and its own roles.
    pub(crate) token: Client,
    pub(crate) admin: Client,
}

impl Stage {
    pub(crate) async fn start(project: &'static str) -> Self {
        let cluster = Cluster::from_environment_or_start(without_node());
        let stage = Self::new(cluster.await.unwrap(), project, &[]).await;
        let run = stage.run(json!({"pipelineSpec": {"tasks": []}}));
        eventually("runs are stamped", async || {
            let stamped = dry_create(&stage.grace, &run).await?;
            match annotation(&stamped, RUN_BY_ANNOTATION) {
                Some("grace") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        stage
    }

    /// Starts a new cluster where the API server does not stamp identities.
    pub(crate) async fn without_stamps(project: &'static str) -> Self {
        let cluster = Cluster::start(without_node()).await.unwrap();
        Self::new(cluster, project, &[("policies.stampIdentity", "never")]).await
    }

    async fn new(cluster: Cluster, project: &'static str, values: &[(&str, &str)]) -> Self {
        let values = [WITHOUT_WEBHOOK, values].concat();
        cluster.install_chart(&values).unwrap();
        let kubeconfig = cluster.kubeconfig_of(NAMESPACE, RELEASE).unwrap();
        cluster.create_namespace(project).unwrap();
        cluster.apply(ROLES).unwrap();
        let account = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{namespace: {project}, name: default}}\n"
        );
        cluster.apply(&account).unwrap();
        let impersonate = |name: &str, group: &str| users::impersonate(&cluster, name, &[group]);
        let stage = Self {
            project,
            ada: impersonate("ada", TEAM),
            grace: impersonate("grace", TEAM),
            engine: impersonate(ENGINE, "system:masters"),
            collector: impersonate(COLLECTOR, "system:masters"),
            operator: impersonate(OPERATOR, "system:masters"),
            token: users::client_from_kubeconfig(&kubeconfig).await,
            admin: cluster.client(),
            cluster,
        };
        stage.wait_for_policies().await;
        stage
    }

    /// Waits until the policies are active, some hundred milliseconds after their creation.
    async fn wait_for_policies(&self) {
        let pod = self.object(
            "v1",
            "Pod",
            "p",
            json!({"containers": [{"name": "c", "image": "i"}], "volumes": [
            {"name": "v", "secret": {"secretName": SECRET}}]}),
        );
        let mut owned = self.object(TEKTON, "Pipeline", "w", json!({"tasks": []}));
        owned["metadata"]["ownerReferences"] =
            json!([{"apiVersion": REGISTRY, "kind": "Workflow", "name": "w", "uid": "u"}]);
        assert_refused(&self.grace, &pod, "and only Pods of that user's runs").await;
        assert_refused(&self.grace, &owned, "only the registry operator").await;
    }

    pub(crate) async fn stop(self) {
        if !self.cluster.is_owned() {
            let _ = self.cluster.kubectl_with(&["delete", "-f", "-"], ROLES);
            let _ =
                self.cluster
                    .kubectl_run(&["delete", "namespace", self.project, "--wait=false"]);
        }
        self.cluster.stop().await.unwrap();
    }

    /// Returns a client of a user with the same roles as the others and additional groups.
    pub(crate) fn impersonate(&self, name: &str, groups: &[&str]) -> Client {
        users::impersonate(&self.cluster, name, &[&[TEAM], groups].concat())
    }

    pub(crate) fn object(&self, api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
        let mut object = json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"namespace": self.project, "name": name},
        });
        object["spec"] = spec;
        object
    }

    pub(crate) fn run(&self, spec: Value) -> Value {
        self.object(TEKTON, "PipelineRun", "run", spec)
    }

    /// Returns one run of each kind and version.
    pub(crate) fn runs(&self) -> [Value; 4] {
        let pipeline = json!({"pipelineSpec": {"tasks": []}});
        let task = json!({"taskSpec": {"steps": []}});
        let beta = "tekton.dev/v1beta1";
        [
            self.run(pipeline.clone()),
            self.object(TEKTON, "TaskRun", "run", task.clone()),
            self.object(beta, "PipelineRun", "run", pipeline),
            self.object(beta, "TaskRun", "run", task),
        ]
    }

    /// Creates a workflow of `ada`, and returns its Pipeline as the operator writes it.
    pub(crate) async fn owned_pipeline(&self, name: &str) -> Value {
        let spec = json!({"steps": [{"name": "train", "image": "i"}]});
        let workflow = self.object(REGISTRY, "Workflow", name, spec);
        let workflow = create_stored(&self.ada, &workflow).await;
        let mut pipeline = self.object(TEKTON, "Pipeline", name, json!({"tasks": []}));
        pipeline["metadata"]["ownerReferences"] = json!([{
            "apiVersion": REGISTRY, "kind": "Workflow", "name": name, "uid": workflow["metadata"]["uid"],
            "controller": true, "blockOwnerDeletion": false,
        }]);
        pipeline
    }

    /// Returns a Pod of a run as the engine creates it.
    pub(crate) fn pod_of(&self, run_by: Option<(&str, &str)>, spec: &Value) -> Value {
        let mut pod = self.object("v1", "Pod", "p", spec.clone());
        pod["metadata"]["labels"] = json!({USER_SECRETS_LABEL: "true"});
        if let Some((user, groups)) = run_by {
            pod["metadata"]["annotations"] =
                json!({RUN_BY_ANNOTATION: user, RUN_BY_GROUPS_ANNOTATION: groups});
        }
        pod
    }

    /// Writes the `RunGate` of the project as the operator does, and waits until the policies observe it.
    pub(crate) async fn gate(&self, mut spec: Value) {
        let marker = format!("marker-{}", stamp());
        if spec["heldPipelines"].is_null() {
            spec["heldPipelines"] = json!({});
        }
        spec["heldPipelines"][&marker] = json!("Marker");
        let gate = self.object(REGISTRY, "RunGate", "extension-registry", spec);
        objects(&self.token, REGISTRY, "RunGate", self.project)
            .patch(
                "extension-registry",
                &PatchParams::apply("extension-registry").force(),
                &Patch::Apply(gate),
            )
            .await
            .unwrap();
        let run = self.run(json!({"pipelineRef": {"name": marker}}));
        assert_refused(&self.grace, &run, "is on hold").await;
    }
}

/// Returns a different number for each call.
fn stamp() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_nanos()
}

pub(crate) fn section(rule: &str) {
    println!("--- {rule}");
}

/// Retries until the attempt succeeds.
pub(crate) async fn eventually<T>(
    what: &str,
    attempt: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    within(TIMEOUT, what, attempt).await
}

async fn within<T>(
    limit: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let start = Instant::now();
    loop {
        match attempt().await {
            Ok(found) => return found,
            Err(seen) => assert!(
                start.elapsed() < limit,
                "timed out waiting until {what}; last seen: {seen}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn annotation<'o>(object: &'o Value, name: &str) -> Option<&'o str> {
    object["metadata"]["annotations"][name].as_str()
}

/// Replaces all annotations of an object.
pub(crate) fn annotate(object: &mut Value, annotations: &Value) {
    object["metadata"]["annotations"] = annotations.clone();
}

pub(crate) fn dry_run() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

/// Creates an object as a dry run, and returns the resulting object.
pub(crate) async fn dry_create(client: &Client, object: &Value) -> Outcome {
    create(client, object, &dry_run()).await
}

/// Creates an object, and returns the stored one.
pub(crate) async fn create_stored(client: &Client, object: &Value) -> Value {
    create(client, object, &PostParams::default())
        .await
        .unwrap()
}

async fn create(client: &Client, object: &Value, parameters: &PostParams) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api = objects(
        client,
        &text(&object["apiVersion"]),
        &text(&object["kind"]),
        &text(&object["metadata"]["namespace"]),
    );
    let object = serde_json::from_value(object.clone()).unwrap();
    let created = api.create(parameters, &object).await;
    outcome(created)
}

pub(crate) fn outcome<T: serde::Serialize>(result: Result<T, kube::Error>) -> Outcome {
    match result {
        Ok(object) => Ok(serde_json::to_value(object).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

/// Asserts that the creation is refused with this text, once the policies observe the latest `RunGate`. Until then it may
/// be refused for another reason.
pub(crate) async fn assert_refused(client: &Client, object: &Value, expected: &str) {
    within(
        POLICY_TIMEOUT,
        &format!("refused with `{expected}`: {object}"),
        async || match dry_create(client, object).await {
            Ok(_) => Err("admitted".to_owned()),
            Err(message) if message.contains(expected) => Ok(()),
            Err(message) => Err(message),
        },
    )
    .await;
}

/// Asserts that the creation is admitted, once the policies observe the latest `RunGate`.
pub(crate) async fn assert_admitted(client: &Client, object: &Value) -> Value {
    within(POLICY_TIMEOUT, &format!("admitted: {object}"), async || {
        dry_create(client, object).await
    })
    .await
}
