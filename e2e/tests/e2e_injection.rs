//! Workloads that request bindings, on a real kubelet with a running or stopped operator.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "e2e_injection/build.rs"]
mod build;
#[path = "e2e_injection/git.rs"]
mod git;
mod support;
#[path = "e2e_injection/tree.rs"]
mod tree;

use build::{BOUND, Builder, GIT, PROJECT, RESTRICTED, UNBOUND, bindings, object, records};
use extension_registry_e2e::{BUSYBOX_IMAGE, Cluster, Installed, Options, skip};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams, PostParams};
use serde_json::{Value, json};
use support::{TIMEOUT, TestEnv, binding, condition, eventually, message, section, text, version};

#[tokio::test(flavor = "multi_thread")]
async fn workloads_start_bound() {
    let options = Options::default();
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    if let Some(why) = cluster.node_missing() {
        skip("workloads with bindings", why).unwrap();
        return cluster.stop().await.unwrap();
    }
    let build = Builder {
        image: if cluster.folder().is_some() {
            BUSYBOX_IMAGE
        } else {
            "busybox:1.37"
        },
    };
    let installed = Installed::without_webhook(&cluster).unwrap();
    let mut env = TestEnv::new(cluster, installed, "injection", &[]);
    prepare(&env, &build).await;
    // A second handle, because the operator is stopped meanwhile.
    let other = Cluster::existing(env.cluster.kubeconfig()).await.unwrap();
    tokio::join!(
        git::reapplied_workloads_do_not_drift(&other, &build),
        sections(&mut env, &build),
    );
    if !env.cluster.is_owned() {
        for namespace in [PROJECT, RESTRICTED, GIT] {
            let delete = ["delete", "namespace", namespace, "--wait=false"];
            let _ = env.cluster.kubectl_run(&delete);
        }
    }
    env.stop().await;
}

async fn sections(env: &mut TestEnv, build: &Builder) {
    pods_wait_for_their_bindings(env, build).await;
    env.stop_operator();
    workloads_start_without_the_operator(env, build).await;
    rescheduled_pod_starts_without_the_operator(env).await;
    env.start_operator();
    files_are_those_of_the_specification(env, build).await;
    missing_variables_are_named(env, build).await;
    taken_names_are_named(env, build).await;
    revoked_binding_is_named(env).await;
}

/// Creates the namespaces and the records, and the bindings of all namespaces but one.
async fn prepare(env: &TestEnv, build: &Builder) {
    for namespace in [PROJECT, RESTRICTED, GIT] {
        env.namespace(namespace);
        env.apply(&object(namespace, "v1", "ServiceAccount", "default"))
            .await;
    }
    let level = "pod-security.kubernetes.io/enforce=restricted";
    let label = ["label", "namespace", RESTRICTED, level];
    env.cluster.kubectl_run(&label).unwrap();
    for record in records() {
        env.apply(&record).await;
    }
    for namespace in [RESTRICTED, GIT] {
        for binding in bindings(namespace) {
            env.apply(&binding).await;
        }
        for name in ["storage", "tracker"] {
            env.wait_until_bound(namespace, name).await;
        }
    }
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let pods = env.api("Pod", PROJECT);
    let pod = serde_json::from_value(build.pod("p", &["main"])).unwrap();
    eventually(TIMEOUT, "bindings are injected", async || {
        let pod = pods.create(&dry_run, &pod).await;
        let pod = pod.map_err(|error| error.to_string())?;
        let volumes = &pod.data["spec"]["volumes"];
        if volumes.is_array() {
            Ok(())
        } else {
            Err("no volume".to_owned())
        }
    })
    .await;
}

/// Waits until a Pod with the label `app` has printed this, and returns its name. Ignores the Pod `except`.
async fn printed(
    env: &TestEnv,
    (namespace, app, container): (&str, &str, &str),
    except: &str,
    expected: &str,
) -> String {
    let what = format!("container {container} of {namespace}/{app} prints {expected:?}");
    eventually(TIMEOUT, &what, async || {
        let (name, log) = log(env, (namespace, app, container), except).await?;
        if log == expected { Ok(name) } else { Err(log) }
    })
    .await
}

/// Returns the name of a Pod with the label `app` and what its container has printed.
async fn log(
    env: &TestEnv,
    (namespace, app, container): (&str, &str, &str),
    except: &str,
) -> Result<(String, String), String> {
    let pods = Api::<Pod>::namespaced(env.cluster.client(), namespace);
    let labelled = ListParams::default().labels(&format!("app={app}"));
    let list = pods
        .list(&labelled)
        .await
        .map_err(|error| error.to_string())?;
    let name = |pod: &Pod| pod.metadata.name.clone().unwrap_or_default();
    let mut pods_of_app = list.items.iter().filter(|pod| name(pod) != except);
    let pod = pods_of_app.next().ok_or("no Pod")?;
    let parameters = LogParams {
        container: Some(container.to_owned()),
        ..LogParams::default()
    };
    match pods.logs(&name(pod), &parameters).await {
        Ok(log) => Ok((name(pod), log)),
        Err(error) => Err(format!("{error}, {:?}", pod.status)),
    }
}

async fn wait_for_event(env: &TestEnv, pod: &str, reason: &str, note: &str) {
    let what = format!("there is an event {reason} of Pod {pod} with {note:?}");
    eventually(TIMEOUT, &what, async || {
        let events = env.events(PROJECT, pod).await;
        let is_expected = |event: &&(String, String)| event.0 == reason && event.1.contains(note);
        match events.iter().find(is_expected) {
            Some(_) => Ok(()),
            None => Err(format!("{events:?}")),
        }
    })
    .await;
}

/// Waits until the container of a Pod waits for a Secret with variables.
async fn wait_for_missing_variables(env: &TestEnv, pod: &str, secret: &str) {
    let what = "waits for its variables";
    env.wait_until(("Pod", PROJECT, pod), what, |pod| {
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        let expected = format!("secret \"{secret}\" not found");
        waiting["reason"] == "CreateContainerConfigError" && waiting["message"] == expected
    })
    .await;
}

/// Returns a Pod with the label of an engine.
fn engine_pod(build: &Builder, name: &str, label: &str, containers: &[&str]) -> Value {
    let mut pod = build.pod(name, containers);
    pod["metadata"]["labels"][label] = json!("run");
    pod
}

const TEKTON: &str = "tekton.dev/taskRun";

async fn pods_wait_for_their_bindings(env: &TestEnv, build: &Builder) {
    section("a Pod that is created before its bindings waits for their files");
    env.apply(&build.pod("early", &["main"])).await;
    env.apply(&engine_pod(build, "early-task", TEKTON, &["step-build"]))
        .await;
    for pod in ["early", "early-task"] {
        let note = "secret \"ext-storage\" not found";
        wait_for_event(env, pod, "FailedMount", note).await;
    }

    section("and then starts without intervention");
    for binding in bindings(PROJECT) {
        env.apply(&binding).await;
    }
    printed(env, (PROJECT, "early", "main"), "", BOUND).await;
    printed(env, (PROJECT, "early-task", "step-build"), "", BOUND).await;

    section("it never lacks the variables, for which Tekton would fail it");
    for binding in ["storage", "tracker"] {
        let mut versions = Vec::new();
        for suffix in [".env", ""] {
            let secret = format!("ext-{binding}{suffix}");
            let secret = env.get("Secret", PROJECT, &secret).await;
            versions.push(version(&secret).parse::<u64>().unwrap());
        }
        assert!(versions.is_sorted(), "{binding}: {versions:?}");
    }
    let events = env.events(PROJECT, "early-task").await;
    assert!(
        events.iter().all(|(reason, _)| reason != "Failed"),
        "{events:?}"
    );
}

async fn workloads_start_without_the_operator(env: &TestEnv, build: &Builder) {
    section("a Pod of every kind of workload starts bound while the operator is stopped");
    for workload in build.workloads() {
        let text = workload.to_string();
        env.cluster.apply(&text).unwrap();
    }
    env.apply(&build.pod("pod", &["main"])).await;
    env.apply(&build.restricted()).await;
    let mut own_root = build.pod("own-root", &["main"]);
    let env_of_pod = &mut own_root["spec"]["containers"][0]["env"];
    *env_of_pod = json!([{"name": "SERVICE_BINDING_ROOT", "value": "/own"}, env_of_pod[0]]);
    env.apply(&own_root).await;
    let tekton = ["step-build", "sidecar-log"];
    env.apply(&engine_pod(build, "tekton", TEKTON, &tekton))
        .await;
    let label = "workflows.argoproj.io/workflow";
    env.apply(&engine_pod(build, "argo", label, &["main", "wait"]))
        .await;
    let mut chosen = build.pod("chosen", &["main", "log"]);
    chosen["metadata"]["annotations"]["registry.fuseml.io/bind-containers"] = json!("main");
    chosen["spec"]["initContainers"] = json!([build.container("prepare")]);
    env.apply(&chosen).await;

    let kinds = ["deployment", "statefulset", "daemonset", "job", "cronjob"];
    for app in kinds.into_iter().chain(["pod"]) {
        printed(env, (PROJECT, app, "main"), "", BOUND).await;
    }
    section("also in a namespace with the Pod Security level `restricted`");
    printed(env, (RESTRICTED, "restricted", "main"), "", BOUND).await;
    section("a container's own root is kept");
    let own = BOUND.replace("/bindings", "/own");
    printed(env, (PROJECT, "own-root", "main"), "", &own).await;
    section("of Pods of engines, only the containers of the user are bound");
    for (app, bound, unbound) in [
        ("tekton", "step-build", "sidecar-log"),
        ("argo", "main", "wait"),
        ("chosen", "main", "log"),
        ("chosen", "main", "prepare"),
    ] {
        printed(env, (PROJECT, app, bound), "", BOUND).await;
        printed(env, (PROJECT, app, unbound), "", UNBOUND).await;
    }
}

async fn rescheduled_pod_starts_without_the_operator(env: &TestEnv) {
    section("a Pod that replaces another one starts bound while the operator is stopped");
    for app in ["deployment", "daemonset"] {
        let before = printed(env, (PROJECT, app, "main"), "", BOUND).await;
        env.delete("Pod", PROJECT, &before).await;
        printed(env, (PROJECT, app, "main"), &before, BOUND).await;
    }
}

async fn files_are_those_of_the_specification(env: &TestEnv, build: &Builder) {
    section("a client library finds each binding with its type and all entries, byte for byte");
    env.apply(&build.archive("archive")).await;
    let folder = tempfile::tempdir().unwrap();
    let printed = eventually(TIMEOUT, "the Pod has printed the archive", async || {
        let (_, log) = log(env, (PROJECT, "archive", "main"), "").await?;
        if log.ends_with('\n') {
            Ok(log)
        } else {
            Err(log)
        }
    })
    .await;
    tree::unpack(&printed, folder.path());
    let bindings = tree::read(folder.path());
    assert!(bindings.keys().eq(["storage", "tracker"]), "{bindings:?}");
    for (name, entries) in &bindings {
        let secret = env.get("Secret", PROJECT, &format!("ext-{name}")).await;
        assert_eq!(*entries, tree::data(&secret), "{name}");
        assert_eq!(entries["provider"], format!("injected-{name}").as_bytes());
    }
    let [storage, tracker] = ["storage", "tracker"].map(|name| &bindings[name]);
    assert_eq!(storage["type"], b"s3");
    assert_eq!(storage["uri"], b"https://s3.example.org");
    assert_eq!(tracker["type"], b"postgresql");
    let expected = [
        ("host", "db.example.org"),
        ("port", "5433"),
        ("database", "runs"),
    ];
    for (key, value) in expected {
        assert_eq!(tracker[key], value.as_bytes(), "{key}");
    }
}

async fn missing_variables_are_named(env: &TestEnv, build: &Builder) {
    section("a Pod whose variables are missing waits, and the kubelet names the Secret");
    env.delete("Secret", PROJECT, "ext-storage.env").await;
    env.apply(&build.pod("without-variables", &["main"])).await;
    wait_for_missing_variables(env, "without-variables", "ext-storage.env").await;

    section("and starts once the operator has written them again");
    let [mut storage, _] = bindings(PROJECT);
    storage["metadata"]["annotations"] = json!({"registry.fuseml.io/rebind": "1"});
    env.apply(&storage).await;
    printed(env, (PROJECT, "without-variables", "main"), "", BOUND).await;
}

async fn taken_names_are_named(env: &TestEnv, build: &Builder) {
    section("a Pod does not start with a foreign Secret that has the name of a binding");
    env.source(PROJECT, "ext-taken", "foreign").await;
    let taken = binding(PROJECT, "taken", &json!({"product": "injected-storage"}));
    env.apply(&taken).await;
    let mut pod = build.pod("taken", &["main"]);
    pod["metadata"]["annotations"]["registry.fuseml.io/bind"] = json!("taken");
    env.apply(&pod).await;
    wait_for_missing_variables(env, "taken", "ext-taken.env").await;
    let refused = env
        .wait_until_unbound(PROJECT, "taken", "SecretConflict")
        .await;
    assert!(
        message(&refused).contains("ext-taken exists"),
        "{refused:#}"
    );
}

async fn revoked_binding_is_named(env: &TestEnv) {
    section(
        "a Pod of a revoked binding does not start; the kubelet names the Secret, the binding says why",
    );
    let [mut storage, _] = records();
    let allowed = json!({"projects": [RESTRICTED, GIT]});
    storage["spec"]["access"] = allowed.clone();
    env.apply(&storage).await;
    env.wait_until_gone("Secret", PROJECT, "ext-storage").await;
    env.wait_until_gone("Secret", PROJECT, "ext-storage.env")
        .await;
    let before = printed(env, (PROJECT, "deployment", "main"), "", BOUND).await;
    env.delete("Pod", PROJECT, &before).await;
    let next = eventually(TIMEOUT, "there is another Pod", async || {
        let pods = env.list("Pod", PROJECT).await;
        let name = |pod: &Value| text(&pod["metadata"]["name"]).to_owned();
        let mut others = pods
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == "deployment" && name(pod) != before);
        others.next().map(name).ok_or_else(|| "none".to_owned())
    })
    .await;
    let note = "secret \"ext-storage\" not found";
    wait_for_event(env, &next, "FailedMount", note).await;
    let refused = env.wait_until_unbound(PROJECT, "storage", "NotFound").await;
    assert!(
        message(&refused).contains("no service matches requirement `storage`"),
        "{refused:#}"
    );
    assert_eq!(condition(&refused, "Resolved")["status"], "False");

    section("it starts once the project has access again");
    storage["spec"]["access"]["projects"] = json!([RESTRICTED, GIT, PROJECT]);
    env.apply(&storage).await;
    printed(env, (PROJECT, "deployment", "main"), &before, BOUND).await;
}
