//! A test environment: one cluster and one operator for all sections of a test, objects as JSON, and waiting.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of several tests, each of which uses some of them"
)]

mod objects;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use extension_registry_e2e::chart::permission_errors;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Operator, Options};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

#[allow(unused_imports, reason = "not every test uses all of them")]
pub(crate) use objects::{
    binding, condition, from_secret, list, message, own, record, secret_name, text, version,
    workflow,
};

pub(crate) const RECORDS: &str = "extension-registry-records";
/// Time limit for a reaction of the operator or of a controller on a slow machine. The garbage collector discovers new
/// kinds only every 30 seconds.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(2);
const KINDS: [(&str, &str, &str); 17] = [
    ("PipelineRun", "tekton.dev/v1", "pipelineruns"),
    ("TaskRun", "tekton.dev/v1", "taskruns"),
    ("RunGate", "registry.fuseml.io/v1alpha1", "rungates"),
    ("Lease", "coordination.k8s.io/v1", "leases"),
    (
        "ClusterExtension",
        "registry.fuseml.io/v1alpha1",
        "clusterextensions",
    ),
    ("Extension", "registry.fuseml.io/v1alpha1", "extensions"),
    ("Workflow", "registry.fuseml.io/v1alpha1", "workflows"),
    (
        "ExtensionBinding",
        "registry.fuseml.io/v1alpha1",
        "extensionbindings",
    ),
    (
        "ExtensionProjection",
        "registry.fuseml.io/v1alpha1",
        "extensionprojections",
    ),
    ("Pipeline", "tekton.dev/v1", "pipelines"),
    ("Secret", "v1", "secrets"),
    ("Pod", "v1", "pods"),
    ("ServiceAccount", "v1", "serviceaccounts"),
    ("Namespace", "v1", "namespaces"),
    ("CoreEvent", "v1", "events"),
    ("Event", "events.k8s.io/v1", "events"),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
    ),
];

/// A cluster and an operator that tests can stop and restart.
pub(crate) struct TestEnv {
    pub(crate) cluster: Cluster,
    /// The installed chart; the operator uses its `ServiceAccount`.
    pub(crate) installed: Installed,
    operator: Option<Operator>,
    /// Arguments for the next start of the operator.
    pub(crate) arguments: Vec<String>,
    /// Source Secrets that a test deliberately does not let the operator read.
    pub(crate) unreadable: Vec<String>,
    logs: Vec<PathBuf>,
    test: String,
}

impl TestEnv {
    pub(crate) async fn start(test: &str, arguments: &[&str]) -> Self {
        let options = Options {
            node: Node::None,
            ..Options::default()
        };
        let cluster = Cluster::from_environment_or_start(options).await.unwrap();
        let installed = Installed::without_webhook(&cluster).unwrap();
        Self::new(cluster, installed, test, arguments)
    }

    /// Starts a cluster and an operator that serves the webhook, with these values of the chart.
    pub(crate) async fn with_webhook(
        test: &str,
        options: Options,
        values: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let cluster = Cluster::start(options).await.unwrap();
        let installed = Installed::with_webhook(&cluster, values).unwrap();
        Self::new(cluster, installed, test, arguments)
    }

    /// Like [`TestEnv::with_webhook`], with another log level of the operator.
    pub(crate) async fn with_log_level(test: &str, options: Options, level: &str) -> Self {
        let cluster = Cluster::start(options).await.unwrap();
        let installed = Installed::with_webhook(&cluster, &[]).unwrap();
        Self::new(cluster, installed.with_log_level(level), test, &[])
    }

    pub(crate) fn new(
        cluster: Cluster,
        installed: Installed,
        test: &str,
        arguments: &[&str],
    ) -> Self {
        let mut env = Self {
            cluster,
            installed,
            operator: None,
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            unreadable: Vec::new(),
            logs: Vec::new(),
            test: test.to_owned(),
        };
        env.start_operator();
        env
    }

    pub(crate) fn start_operator(&mut self) {
        let name = format!(
            "{}-{}-{}.log",
            self.test,
            std::process::id(),
            self.logs.len()
        );
        let log = std::env::temp_dir().join(name);
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.operator = Some(self.installed.start(&log, &arguments).unwrap());
        self.logs.push(log);
    }

    pub(crate) fn operator(&self) -> &Operator {
        self.operator.as_ref().expect("the operator is stopped")
    }

    pub(crate) fn stop_operator(&mut self) {
        self.take_operator().stop().unwrap();
    }

    pub(crate) fn kill_operator(&mut self) {
        self.take_operator().kill().unwrap();
    }

    /// Returns the running operator; the caller must stop it.
    pub(crate) fn take_operator(&mut self) -> Operator {
        self.operator.take().unwrap()
    }

    /// Drops the handle of an operator that has exited by itself.
    pub(crate) fn operator_exited(&mut self) {
        drop(self.operator.take());
    }

    /// Returns the logs of all operators of this test.
    pub(crate) fn logs(&self) -> String {
        self.logs
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    pub(crate) async fn stop(self) {
        let logs = self.logs();
        let mut missing = permission_errors(&logs);
        missing.retain(|line| !self.unreadable.iter().any(|name| line.contains(name)));
        assert_eq!(missing, Vec::<&str>::new());
        self.stop_after_faults().await;
    }

    /// Like [`TestEnv::stop`], without the check for permission errors: a restarted API server denies all
    /// requests until it has loaded its roles.
    pub(crate) async fn stop_after_faults(mut self) {
        assert!(!self.logs().contains("panicked"), "the operator panicked");
        drop(self.operator.take());
        for log in &self.logs {
            let _ = std::fs::remove_file(log);
        }
        self.cluster.stop().await.unwrap();
    }

    /// Deletes the binding of a policy, and returns the manifest that restores it.
    pub(crate) fn lift_policy(&self, name: &str) -> String {
        let object = format!("validatingadmissionpolicybinding/extension-registry-{name}");
        let binding = self.cluster.kubectl_run(&["get", &object, "-o", "json"]);
        self.cluster.kubectl_run(&["delete", &object]).unwrap();
        let mut binding: Value = serde_json::from_str(&binding.unwrap()).unwrap();
        for field in ["uid", "resourceVersion", "managedFields"] {
            binding["metadata"].as_object_mut().unwrap().remove(field);
        }
        binding.to_string()
    }

    pub(crate) fn namespace(&self, name: &str) {
        self.cluster.create_namespace(name).unwrap();
    }

    pub(crate) fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = resource(kind);
        if namespace.is_empty() {
            Api::all_with(self.cluster.client(), &resource)
        } else {
            Api::namespaced_with(self.cluster.client(), namespace, &resource)
        }
    }

    /// Applies an object server-side with the field manager `user`.
    pub(crate) async fn try_apply(&self, object: &Value) -> Result<Value, kube::Error> {
        let api = self.api(
            text(&object["kind"]),
            text(&object["metadata"]["namespace"]),
        );
        let parameters = PatchParams::apply("user").force();
        let name = text(&object["metadata"]["name"]);
        let applied = api.patch(name, &parameters, &Patch::Apply(object)).await?;
        Ok(serde_json::to_value(applied).unwrap())
    }

    pub(crate) async fn apply(&self, object: &Value) -> Value {
        self.try_apply(object).await.unwrap()
    }

    /// Returns an object as JSON, or null if it does not exist.
    pub(crate) async fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let object = self.api(kind, namespace).get_opt(name).await.unwrap();
        serde_json::to_value(object).unwrap()
    }

    pub(crate) async fn delete(&self, kind: &str, namespace: &str, name: &str) {
        let parameters = DeleteParams::background();
        self.api(kind, namespace)
            .delete(name, &parameters)
            .await
            .unwrap();
    }

    pub(crate) async fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let list = self
            .api(kind, namespace)
            .list(&ListParams::default())
            .await
            .unwrap();
        list.items
            .into_iter()
            .map(|object| serde_json::to_value(object).unwrap())
            .collect()
    }

    /// Returns the `resourceVersions` by `kind namespace/name uid`.
    pub(crate) async fn resource_versions(
        &self,
        kinds: &[&str],
        namespace: &str,
    ) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for kind in kinds {
            for object in self.list(kind, namespace).await {
                let metadata = &object["metadata"];
                let key = format!(
                    "{kind} {}/{} {}",
                    text(&metadata["namespace"]),
                    text(&metadata["name"]),
                    text(&metadata["uid"])
                );
                versions.insert(key, text(&metadata["resourceVersion"]).to_owned());
            }
        }
        versions
    }

    /// Waits until a condition holds for an object, and returns the object.
    pub(crate) async fn wait_until(
        &self,
        (kind, namespace, name): (&str, &str, &str),
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually(
            TIMEOUT,
            &format!("{kind} {namespace}/{name} {what}"),
            async || {
                let object = self.get(kind, namespace, name).await;
                if is(&object) {
                    Ok(object)
                } else {
                    Err(format!("{:#}", object["status"]))
                }
            },
        )
        .await
    }

    pub(crate) async fn wait_until_ready(&self, namespace: &str, name: &str) -> Value {
        self.wait_until_kind_ready("Workflow", namespace, name)
            .await
    }

    pub(crate) async fn wait_until_bound(&self, namespace: &str, name: &str) -> Value {
        self.wait_until_kind_ready("ExtensionBinding", namespace, name)
            .await
    }

    async fn wait_until_kind_ready(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.wait_until((kind, namespace, name), "is ready", |object| {
            is_observed(object) && condition(object, "Ready")["status"] == "True"
        })
        .await
    }

    /// Waits until a workflow is refused for this reason.
    pub(crate) async fn wait_until_refused(
        &self,
        namespace: &str,
        name: &str,
        reason: &str,
    ) -> Value {
        let what = format!("is refused as {reason}");
        self.wait_until(("Workflow", namespace, name), &what, |object| {
            let ready = condition(object, "Ready");
            is_observed(object) && ready["status"] == "False" && ready["reason"] == reason
        })
        .await
    }

    /// Waits until a binding is refused for this reason.
    pub(crate) async fn wait_until_unbound(
        &self,
        namespace: &str,
        name: &str,
        reason: &str,
    ) -> Value {
        let what = format!("is refused as {reason}");
        self.wait_until(("ExtensionBinding", namespace, name), &what, |object| {
            let ready = condition(object, "Ready");
            is_observed(object) && ready["status"] == "False" && ready["reason"] == reason
        })
        .await
    }

    /// Like [`TestEnv::wait_until_refused`], for a change outside of the spec, which does not increase the generation.
    pub(crate) async fn wait_until_refused_without_spec_change(
        &self,
        namespace: &str,
        name: &str,
        reason: &str,
    ) -> Value {
        let what = format!("is refused as {reason}");
        self.wait_until(("Workflow", namespace, name), &what, |object| {
            condition(object, "Ready")["reason"] == reason
        })
        .await
    }

    pub(crate) async fn wait_until_gone(&self, kind: &str, namespace: &str, name: &str) {
        self.wait_until((kind, namespace, name), "is gone", Value::is_null)
            .await;
    }

    /// Waits until the operator has observed the current generation of an object, as its status shows.
    pub(crate) async fn wait_until_observed(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Value {
        self.wait_until((kind, namespace, name), "is observed", is_observed)
            .await
    }

    /// Waits until no object of these kinds has changed for two seconds, and the work queue of the operator was empty
    /// for that time.
    pub(crate) async fn wait_until_settled(&self, kinds: &[&str]) -> BTreeMap<String, String> {
        let mut last = self.resource_versions(kinds, "").await;
        let mut since = Instant::now();
        eventually(TIMEOUT, "everything is settled", async || {
            let now = self.resource_versions(kinds, "").await;
            let is_busy = self.operator.as_ref().is_some_and(|operator| {
                let waiting = operator.metric("extension_registry_queue_waiting", &[]);
                waiting.is_ok_and(|waiting| waiting > 0.0)
            });
            if now != last || is_busy {
                last = now;
                since = Instant::now();
            }
            if since.elapsed() > Duration::from_secs(2) {
                Ok(last.clone())
            } else {
                Err("changes".to_owned())
            }
        })
        .await
    }

    /// Creates a source Secret with one key; in a project, also grants the operator read access.
    pub(crate) async fn source(&self, namespace: &str, name: &str, value: &str) {
        if namespace != RECORDS {
            self.cluster.grant_source(namespace, name).unwrap();
        }
        self.apply(&json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": namespace, "name": name},
            "stringData": {"PASSWORD": value},
        }))
        .await;
    }

    /// Returns reasons and notes of the events about objects of a name.
    pub(crate) async fn events(&self, namespace: &str, name: &str) -> Vec<(String, String)> {
        self.list("Event", namespace)
            .await
            .iter()
            .filter(|event| event["regarding"]["name"] == name)
            .map(|event| {
                (
                    text(&event["reason"]).to_owned(),
                    text(&event["note"]).to_owned(),
                )
            })
            .collect()
    }
}

fn resource(kind: &str) -> ApiResource {
    let (_, api_version, plural) = KINDS.iter().find(|entry| entry.0 == kind).unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: (*api_version).to_owned(),
        kind: if kind == "CoreEvent" { "Event" } else { kind }.to_owned(),
        plural: (*plural).to_owned(),
    }
}

/// Retries until the attempt succeeds. The error describes the last observed state.
pub(crate) async fn eventually<T>(
    timeout: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let start = Instant::now();
    loop {
        match attempt().await {
            Ok(found) => return found,
            Err(seen) => assert!(
                start.elapsed() < timeout,
                "timed out after {timeout:?} waiting until {what}; last seen: {seen}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Prints the title of a section of a test.
pub(crate) fn section(rule: &str) {
    println!("--- {rule}");
}

pub(crate) async fn pause(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

fn is_observed(object: &Value) -> bool {
    object["metadata"]["generation"].is_i64()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}
