//! A cluster with a running operator, the manifests that a test applies, and waiting for status.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use extension_registry_e2e::chart::permission_errors;
use extension_registry_e2e::{Cluster, Installed, Operator, Options};
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;

/// Time limit for any reaction of the operator on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Time limit for a run of the engine.
const RUN_TIMEOUT: Duration = Duration::from_mins(5);

/// A cluster, the operator with the permissions of the chart, and the applied manifests.
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    pub(crate) operator: Operator,
    applied: Mutex<Vec<String>>,
}

impl Fixture {
    pub(crate) async fn start(test: &str, options: Options) -> Self {
        let cluster = Cluster::from_environment_or_start(options).await.unwrap();
        // The API server of an existing cluster cannot reach a webhook on this machine.
        let installed = if cluster.is_owned() {
            Installed::with_webhook(&cluster, &[])
        } else {
            Installed::without_webhook(&cluster)
        };
        Self::new(cluster, &installed.unwrap(), test)
    }

    /// Starts without the webhook, so that invalid objects reach the operator.
    pub(crate) async fn without_webhook(test: &str, options: Options) -> Self {
        let cluster = Cluster::from_environment_or_start(options).await.unwrap();
        let installed = Installed::without_webhook(&cluster).unwrap();
        Self::new(cluster, &installed, test)
    }

    fn new(cluster: Cluster, installed: &Installed, test: &str) -> Self {
        let log = std::env::temp_dir().join(format!(
            "extension-registry-{test}-{}.log",
            std::process::id()
        ));
        let operator = installed.start(&log, &[]).unwrap();
        Self {
            cluster,
            operator,
            applied: Mutex::default(),
        }
    }

    /// Applies a manifest. In an existing cluster, [`Fixture::stop`] deletes it.
    pub(crate) fn apply(&self, manifest: &str) -> String {
        self.applied.lock().unwrap().push(manifest.to_owned());
        self.cluster.apply(manifest).unwrap()
    }

    pub(crate) async fn stop(self) {
        if !self.cluster.is_owned() {
            for manifest in self.applied.lock().unwrap().iter().rev() {
                let _ = self.cluster.kubectl_with(
                    &["delete", "--ignore-not-found", "--wait=false", "-f", "-"],
                    manifest,
                );
            }
        }
        assert_eq!(permission_errors(&self.operator.log()), Vec::<&str>::new());
        self.operator.stop().unwrap();
        self.cluster.stop().await.unwrap();
    }

    /// Returns the API of a kind in a namespace; in all namespaces if the namespace is empty.
    pub(crate) fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version, plural) = match kind {
            "Pipeline" => ("tekton.dev", "v1", "pipelines"),
            "PipelineRun" => ("tekton.dev", "v1", "pipelineruns"),
            "Secret" => ("", "v1", "secrets"),
            "Workflow" => ("registry.fuseml.io", "v1alpha1", "workflows"),
            "Extension" => ("registry.fuseml.io", "v1alpha1", "extensions"),
            "ExtensionBinding" => ("registry.fuseml.io", "v1alpha1", "extensionbindings"),
            "Deployment" => ("apps", "v1", "deployments"),
            "ClusterExtension" => ("registry.fuseml.io", "v1alpha1", "clusterextensions"),
            other => panic!("unknown kind {other}"),
        };
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: if group.is_empty() {
                version.to_owned()
            } else {
                format!("{group}/{version}")
            },
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        if namespace.is_empty() {
            Api::all_with(self.cluster.client(), &resource)
        } else {
            Api::namespaced_with(self.cluster.client(), namespace, &resource)
        }
    }

    /// Returns an object as JSON, or null if it does not exist.
    pub(crate) async fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let object = self.api(kind, namespace).get_opt(name).await.unwrap();
        serde_json::to_value(object).unwrap()
    }

    /// Waits until a condition holds for an object, and returns the object.
    pub(crate) async fn wait_until(
        &self,
        (kind, namespace, name): (&str, &str, &str),
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let start = Instant::now();
        let timeout = if kind == "PipelineRun" {
            RUN_TIMEOUT
        } else {
            TIMEOUT
        };
        loop {
            let object = self.get(kind, namespace, name).await;
            if is(&object) {
                return object;
            }
            assert!(
                start.elapsed() < timeout,
                "timed out waiting until {kind} {namespace}/{name} {what}; its status: {:#}\n",
                object["status"]
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an object is ready in its current generation.
    pub(crate) async fn wait_until_ready(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.wait_until((kind, namespace, name), "is ready", |object| {
            is_observed(object) && condition(object, "Ready")["status"] == "True"
        })
        .await
    }

    /// Waits until the operator has observed the current generation of an object, as its status shows.
    pub(crate) async fn wait_until_observed(&self, kind: &str, namespace: &str, name: &str) {
        self.wait_until((kind, namespace, name), "is observed", is_observed)
            .await;
    }

    /// Waits until a workflow is refused for this reason with a message that contains all these parts, and returns the
    /// workflow. The operator may refuse it before it has observed the records and Secrets that the message names, and
    /// changes the message later.
    pub(crate) async fn wait_until_refused_with(
        &self,
        namespace: &str,
        name: &str,
        reason: &str,
        parts: &[&str],
    ) -> Value {
        self.wait_until(
            ("Workflow", namespace, name),
            &format!("is refused as {reason} with {parts:?}"),
            |object| {
                let ready = condition(object, "Ready");
                let message = text(&ready["message"]);
                is_observed(object)
                    && ready["status"] == "False"
                    && ready["reason"] == reason
                    && parts.iter().all(|part| message.contains(part))
            },
        )
        .await
    }

    /// Waits until a workflow is refused for this reason, and returns the message.
    pub(crate) async fn wait_until_refused(
        &self,
        namespace: &str,
        name: &str,
        reason: &str,
    ) -> String {
        let object = self
            .wait_until(
                ("Workflow", namespace, name),
                &format!("is refused as {reason}"),
                |object| {
                    let ready = condition(object, "Ready");
                    is_observed(object) && ready["status"] == "False" && ready["reason"] == reason
                },
            )
            .await;
        text(&condition(&object, "Ready")["message"]).to_owned()
    }
}

/// Returns whether the status describes the current generation.
fn is_observed(object: &Value) -> bool {
    object["metadata"]["generation"].is_i64()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Returns the condition of a type, or null.
pub(crate) fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    list(&object["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
