//! The policies that inject bindings into Pods: what a Pod gets, and which Pods are rejected. No operator and no kubelet run;
//! `e2e_injection` starts such Pods.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/policies.rs"]
mod policies;
#[path = "admit_policies_injection/rejected.rs"]
mod rejected;
#[path = "admit_policies_injection/samples.rs"]
mod samples;
#[path = "admit_policies_injection/unchanged.rs"]
mod unchanged;
#[path = "support/users.rs"]
mod users;

use kube::Client;
use kube::api::{Patch, PatchParams};
use policies::{
    Stage, annotation, assert_admitted, assert_refused, create_stored, dry_create, eventually,
    section,
};
use samples::{
    BIND, BIND_CONTAINERS, PROJECT, container, container_with, injected, injected_at, pod,
    requesting, root, volume, volume_with,
};
use serde_json::{Value, json};

/// A policy that adds a container to a Pod that already has a volume, and is evaluated again until then. It adds the container
/// after the injection, whichever policy the API server evaluates first.
const SIDECAR: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: test-sidecar}
spec:
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  matchConstraints:
    objectSelector: {matchLabels: {inject-sidecar: "true"}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          !has(object.spec.volumes) || object.spec.containers.exists(container, container.name == 'sidecar') ? []
          : [JSONPatch{op: 'add', path: '/spec/containers/-', value: {'name': 'sidecar', 'image': 'i'}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: test-sidecar}
spec: {policyName: test-sidecar}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn pods_get_the_bindings_that_they_request() {
    let stage = Stage::start(PROJECT).await;
    wait_for_injection(&stage.grace).await;
    each_name_adds_volume_mount_and_variables(&stage).await;
    fields_of_the_user_are_kept(&stage).await;
    injection_adds_only_what_is_missing(&stage).await;
    only_chosen_containers_are_bound(&stage).await;
    later_mutations_are_bound_once(&stage).await;
    restricted_namespace_admits_bound_pods(&stage).await;
    updates_are_not_evaluated(&stage).await;
    rejected::invalid_requests_are_explained(&stage).await;
    stage.stop().await;
}

async fn wait_for_injection(client: &Client) {
    eventually("bindings are injected", async || {
        match dry_create(client, &requesting("storage")).await? {
            pod if pod["spec"]["volumes"].is_array() => Ok(()),
            _ => Err("no volume".to_owned()),
        }
    })
    .await;
}

async fn containers_of(stage: &Stage, pod: &Value) -> Vec<Value> {
    let admitted = assert_admitted(&stage.grace, pod).await;
    let containers = admitted["spec"]["containers"].as_array().unwrap();
    let fields = ["name", "env", "envFrom", "volumeMounts"];
    let only = |container: &Value| fields.map(|field| (field, container[field].clone()));
    containers
        .iter()
        .map(|container| only(container).into_iter().collect())
        .collect()
}

async fn each_name_adds_volume_mount_and_variables(stage: &Stage) {
    section("each name adds a volume, a mount and variables; spaces and empty entries are ignored");
    for names in ["storage,tracker", " storage , tracker", "storage,,tracker,"] {
        let admitted = assert_admitted(&stage.grace, &requesting(names)).await;
        let volumes = json!([volume("ext-storage"), volume("ext-tracker")]);
        assert_eq!(admitted["spec"]["volumes"], volumes, "{names}");
        let main = injected("main", &["storage", "tracker"]);
        assert_eq!(
            containers_of(stage, &requesting(names)).await,
            [main],
            "{names}"
        );
        assert_eq!(annotation(&admitted, BIND), Some(names));
    }

    section("32 names of the maximum length are allowed");
    let names: Vec<String> = (10..42).map(|number| format!("{number:x<50}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bound = containers_of(stage, &requesting(&names.join(","))).await;
    assert_eq!(bound, [injected("main", &names)]);
}

async fn fields_of_the_user_are_kept(stage: &Stage) {
    section("volumes, variables and mounts of the user are kept, and precede those of the binding");
    let env = json!([{"name": "CONFIG", "value": "$(SERVICE_BINDING_ROOT)/storage/uri"}]);
    let sources = json!([{"configMapRef": {"name": "settings"}}, {"prefix": "P_", "secretRef": {"name": "ext-storage"}}]);
    let mounts = json!([{"name": "data", "mountPath": "/data"}]);
    let mut main = container("main");
    main["env"] = env.clone();
    main["envFrom"] = sources.clone();
    main["volumeMounts"] = mounts.clone();
    let spec = json!({"containers": [main], "volumes": [{"name": "data", "emptyDir": {}}]});
    let pod = pod(Some("storage"), spec);
    let mut expected = injected("main", &["storage"]);
    // Before the variables of the user, which may refer to it.
    let own_env = expected["env"].as_array_mut().unwrap();
    own_env.push(env[0].clone());
    for (field, own) in [("envFrom", &sources), ("volumeMounts", &mounts)] {
        let added = expected[field].as_array().unwrap();
        expected[field] = json!([own.as_array().unwrap().as_slice(), added].concat());
    }
    assert_eq!(containers_of(stage, &pod).await, [expected]);
    let admitted = assert_admitted(&stage.grace, &pod).await;
    let volumes = json!([{"name": "data", "emptyDir": {}}, volume("ext-storage")]);
    assert_eq!(admitted["spec"]["volumes"], volumes);

    section("a container's own root is kept; of several, the last one takes effect");
    for (env, path) in [
        (json!([root("/own")]), "/own/storage"),
        (json!([root("/own/")]), "/own/storage"),
        (json!([root("/")]), "/storage"),
        (
            json!([root("/first"), {"name": "A", "value": "a"}, root("/last")]),
            "/last/storage",
        ),
    ] {
        let own = container_with("main", "env", &env);
        let other = container("other");
        let spec = json!({"containers": [other, own]});
        let pod = samples::pod(Some("storage"), spec);
        let mut expected = injected_at("main", &[("storage", path)]);
        expected["env"] = env;
        let bound = containers_of(stage, &pod).await;
        assert_eq!(bound, [injected("other", &["storage"]), expected], "{path}");
    }

    section("a mount at the same path is a conflict");
    let mounts = json!([{"name": "data", "mountPath": "/bindings/storage"}]);
    let main = container_with("main", "volumeMounts", &mounts);
    let spec = json!({"containers": [main], "volumes": [{"name": "data", "emptyDir": {}}]});
    let pod = samples::pod(Some("storage"), spec);
    assert_refused(&stage.grace, &pod, "must be unique").await;
}

async fn injection_adds_only_what_is_missing(stage: &Stage) {
    section("a volume, mount or source of variables that the Pod already has is not duplicated");
    let secret = json!({"secretName": "ext-storage", "defaultMode": 256});
    let volume = volume_with("ext-storage", &json!({"secret": secret}));
    let mounts = json!([{"name": "ext-storage", "mountPath": "/elsewhere"}]);
    let sources = json!([{"secretRef": {"name": "ext-storage.env"}, "prefix": "S_"}]);
    let mut main = container_with("main", "volumeMounts", &mounts);
    main["envFrom"] = sources.clone();
    let spec = json!({"containers": [main, container("other")], "volumes": [volume]});
    let pod = pod(Some("storage"), spec);
    let admitted = assert_admitted(&stage.grace, &pod).await;
    assert_eq!(admitted["spec"]["volumes"], json!([volume]));
    let mut expected = injected("main", &["storage"]);
    expected["volumeMounts"] = mounts;
    expected["envFrom"] = sources;
    let bound = containers_of(stage, &pod).await;
    assert_eq!(bound, [expected, injected("other", &["storage"])]);

    section("a Pod that was bound before is unchanged");
    let mut again = assert_admitted(&stage.grace, &requesting("storage,tracker")).await;
    again["metadata"] = requesting("storage,tracker")["metadata"].clone();
    let twice = assert_admitted(&stage.grace, &again).await;
    assert_eq!(twice["spec"], again["spec"]);
}

async fn only_chosen_containers_are_bound(stage: &Stage) {
    let tekton = json!({"tekton.dev/taskRun": "build"});
    let argo = json!({"workflows.argoproj.io/workflow": "train"});
    let names = ["main", "step-build", "wait"];
    for (labels, chosen, expected) in [
        (json!({}), None, &names[..]),
        (json!({}), Some("main"), &["main"]),
        (json!({}), Some(" wait ,, main"), &["main", "wait"]),
        (json!({"app": "step"}), Some(""), &names),
        (tekton.clone(), None, &["step-build"]),
        (tekton, Some("wait"), &["wait"]),
        (argo.clone(), None, &["main"]),
        (argo, Some("step-build"), &["step-build"]),
    ] {
        section(&format!(
            "with labels {labels}, {chosen:?} binds {expected:?}"
        ));
        let containers = names.map(container);
        let init = [container("prepare"), container("proxy")];
        let spec = json!({"containers": containers, "initContainers": init});
        let mut pod = pod(Some("storage"), spec);
        pod["spec"]["initContainers"][1]["restartPolicy"] = json!("Always");
        pod["metadata"]["labels"] = labels;
        if let Some(chosen) = chosen {
            pod["metadata"]["annotations"][BIND_CONTAINERS] = json!(chosen);
        }
        let expected = names.map(|name| {
            if expected.contains(&name) {
                injected(name, &["storage"])
            } else {
                injected_at(name, &[])
            }
        });
        assert_eq!(containers_of(stage, &pod).await, expected);
        let admitted = assert_admitted(&stage.grace, &pod).await;
        for container in admitted["spec"]["initContainers"].as_array().unwrap() {
            for field in ["env", "envFrom", "volumeMounts"] {
                assert!(container[field].is_null(), "{container}");
            }
        }
    }
}

async fn later_mutations_are_bound_once(stage: &Stage) {
    section("a container that another policy adds later is bound, and nothing is duplicated");
    stage.cluster.apply(SIDECAR).unwrap();
    let mut pod = requesting("storage,tracker");
    pod["metadata"]["labels"] = json!({"inject-sidecar": "true"});
    let bound = eventually("the other policy adds a container", async || {
        let admitted = dry_create(&stage.grace, &pod).await?;
        match admitted["spec"]["containers"].as_array().unwrap().len() {
            2 => Ok(admitted),
            count => Err(format!("{count} containers")),
        }
    })
    .await;
    let volumes = json!([volume("ext-storage"), volume("ext-tracker")]);
    assert_eq!(bound["spec"]["volumes"], volumes);
    let names = ["storage", "tracker"];
    let expected = [injected("main", &names), injected("sidecar", &names)];
    assert_eq!(containers_of(stage, &pod).await, expected);
    let deleted = stage
        .cluster
        .kubectl_with(&["delete", "--wait=false", "-f", "-"], SIDECAR);
    deleted.unwrap();
}

async fn restricted_namespace_admits_bound_pods(stage: &Stage) {
    section("Pod Security `restricted` admits a bound Pod");
    let namespace = stage.cluster.kubectl_run(&[
        "label",
        "namespace",
        PROJECT,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    namespace.unwrap();
    assert_refused(&stage.grace, &requesting("storage"), "violates PodSecurity").await;
    let context = json!({
        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    let main = container_with("main", "securityContext", &context);
    let pod = pod(Some("storage"), json!({"containers": [main]}));
    let bound = containers_of(stage, &pod).await;
    assert_eq!(bound, [injected("main", &["storage"])]);
    let namespace = stage.cluster.kubectl_run(&[
        "label",
        "namespace",
        PROJECT,
        "pod-security.kubernetes.io/enforce-",
    ]);
    namespace.unwrap();
}

async fn updates_are_not_evaluated(stage: &Stage) {
    section("the annotation has no effect on an existing Pod, not even an invalid one");
    let mut plain = pod(None, json!({"containers": [container("main")]}));
    plain["metadata"]["name"] = json!("stored");
    let stored = create_stored(&stage.grace, &plain).await;
    let pods = users::objects(&stage.grace, "v1", "Pod", PROJECT);
    for names in ["storage", "Invalid"] {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {BIND: names}}}));
        let changed = pods.patch("stored", &PatchParams::default(), &patch).await;
        let changed = serde_json::to_value(changed.unwrap()).unwrap();
        assert_eq!(annotation(&changed, BIND), Some(names));
        assert_eq!(changed["spec"], stored["spec"]);
    }
}
