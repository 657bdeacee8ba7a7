//! The policies about Secrets of one person, where the engine would be talked into using one: each clause has an
//! object that breaks it. What a running operator adds is in `e2e_identity`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/people.rs"]
mod people;

use std::time::{Duration, Instant};

use extension_registry_api::PERSONAL_LABEL;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use people::{create, create_dry, objects, of_a_person, person};
use serde_json::{Value, json};

const PROJECT: &str = "personal";
const SECRET: &str = "ext-u-store-0123456789abcdef";
const ENGINE: &str = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";

const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: personal-team}
rules:
  - {apiGroups: [tekton.dev], resources: ['*'], verbs: ['*']}
  - {apiGroups: [''], resources: [pods], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: personal-team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: personal-team}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: personal-team}]
";

struct Stage {
    /// Has a workflow of her own, `hers`.
    ada: Client,
    /// Has none, and every right over what the engine runs.
    grace: Client,
    engine: Client,
    operator: Client,
    admin: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_not_talked_into_a_persons_secret() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    cluster.create_namespace("impersonal").unwrap();
    cluster.apply(RIGHTS).unwrap();
    // Not an administrator: who may impersonate ada may run for her.
    let someone = |name: &str| person(&cluster, name, &["personal-team"]);
    let stage = Stage {
        ada: someone("ada"),
        grace: someone("grace"),
        engine: someone(ENGINE),
        operator: people::operator(&installed).await,
        admin: cluster.client(),
    };
    her_workflow(&stage).await;
    nobody_writes_the_name_anywhere(&stage).await;
    drivers_get_no_secret(&stage).await;
    only_the_operator_labels(&stage).await;
    parameters_fill_in_no_name(&stage).await;
    nobody_else_has_anything_fetched(&stage).await;
    her_pipeline_is_the_operators(&stage).await;
    nothing_pretends_to_be_hers(&stage).await;
    a_run_that_waits_is_not_turned(&stage).await;
    if !cluster.is_ours() {
        let _ = cluster.kubectl_with(&["delete", "-f", "-"], RIGHTS);
        for namespace in [PROJECT, "impersonal"] {
            let _ = cluster.kubectl_run(&["delete", "namespace", namespace, "--wait=false"]);
        }
    }
    cluster.stop().await.unwrap();
}

fn section(rule: &str) {
    println!("--- {rule}");
}

fn engine_object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": kind,
        "metadata": {"namespace": PROJECT, "name": name}, "spec": spec,
    })
}

/// A workflow as the operator leaves it when it is bound to what only ada may have.
async fn her_workflow(stage: &Stage) {
    let workflow = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "metadata": {"namespace": PROJECT, "name": "hers"},
        "spec": {"steps": [{"name": "train", "image": "i"}]},
    });
    create(&stage.admin, &workflow, &PostParams::default())
        .await
        .unwrap();
    let status = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "status": {
            "observedGeneration": 1,
            "runAs": {"user": "ada"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        },
    });
    objects(
        &stage.operator,
        "registry.fuseml.io/v1alpha1",
        "Workflow",
        PROJECT,
    )
    .patch_status(
        "hers",
        &PatchParams::apply("extension-registry").force(),
        &Patch::Apply(status),
    )
    .await
    .unwrap();
    // The policies learn of it a moment later.
    let begun = Instant::now();
    let run = engine_object(
        "PipelineRun",
        "o",
        &json!({"pipelineRef": {"name": "hers"}}),
    );
    loop {
        let hers = create_dry(&stage.ada, &run).await;
        let others = create_dry(&stage.grace, &run).await;
        if hers.is_ok() && others.is_err_and(|said| said.contains("bound to credentials")) {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the gate is not in force: {hers:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn nobody_writes_the_name_anywhere(stage: &Stage) {
    section("wherever the name stands in what the engine runs, it is refused");
    let by_param = json!([{"name": "v", "secret": {"secretName": "$(params.s)"}}]);
    let cases = [
        (
            "TaskRun",
            json!({"taskSpec": {"params": [{"name": "s", "default": SECRET}], "steps": [], "volumes": by_param}}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "params": [{"name": "s", "value": [SECRET]}]}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "params": [{"name": "s", "value": {"key": SECRET}}]}),
        ),
        (
            "TaskRun",
            json!({"taskRef": {"name": "t"}, "workspaces": [{"name": "w",
                "csi": {"driver": "d", "nodePublishSecretRef": {"name": SECRET}}}]}),
        ),
        (
            "Task",
            json!({"params": [{"name": "s", "default": SECRET}], "steps": [], "volumes": by_param}),
        ),
        (
            "Pipeline",
            json!({"params": [{"name": "s", "default": SECRET}], "tasks": []}),
        ),
        (
            "Pipeline",
            json!({"tasks": [{"name": "t", "taskRef": {"name": "t"}, "params": [{"name": "s", "value": SECRET}]}]}),
        ),
        (
            "Pipeline",
            json!({"tasks": [{"name": "t", "taskRef": {"name": "t"},
                "matrix": {"params": [{"name": "s", "value": [SECRET]}]}}]}),
        ),
        (
            "PipelineRun",
            json!({"pipelineSpec": {"tasks": [{"name": "t", "taskRef": {"name": "t"},
                "params": [{"name": "s", "value": SECRET}]}]}}),
        ),
    ];
    for (kind, spec) in cases {
        let object = engine_object(kind, "o", &spec);
        for client in [&stage.grace, &stage.ada] {
            let said = create_dry(client, &object).await.expect_err(kind);
            assert!(
                said.contains("somewhere it names a Secret that begins with ext-u-"),
                "{kind} {spec}: {said}"
            );
        }
        let other = spec.to_string().replace(SECRET, "another");
        let other = engine_object(kind, "o", &serde_json::from_str(&other).unwrap());
        create_dry(&stage.grace, &other).await.unwrap();
    }

    section("a large Pipeline costs the policy no more than it may");
    let step = json!({"name": "s", "image": "i", "script": "x".repeat(3_000)});
    let tasks: Vec<Value> = (0..300)
        .map(|index| json!({"name": format!("t{index}"), "taskSpec": {"steps": [step]}}))
        .collect();
    let large = engine_object("Pipeline", "o", &json!({"tasks": tasks}));
    create_dry(&stage.grace, &large).await.unwrap();
}

async fn drivers_get_no_secret(stage: &Stage) {
    section("no driver of a volume gets the Secret, and nothing is pulled with it");
    let named = json!({"name": SECRET});
    let volumes = [
        json!({"csi": {"driver": "d", "nodePublishSecretRef": named}}),
        json!({"flexVolume": {"driver": "a/d", "secretRef": named}}),
        json!({"cephfs": {"monitors": ["m"], "secretRef": named}}),
        json!({"rbd": {"monitors": ["m"], "image": "i", "secretRef": named}}),
        json!({"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:a", "lun": 0,
            "chapAuthSession": true, "secretRef": named}}),
        json!({"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": named}}),
        json!({"storageos": {"volumeName": "v", "secretRef": named}}),
        json!({"azureFile": {"shareName": "s", "secretName": SECRET}}),
    ];
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"namespace": PROJECT, "name": "default"}});
    // The controller manager may have made it.
    let _ = create(&stage.admin, &account, &PostParams::default()).await;
    let mut specs: Vec<(Value, &str)> = volumes
        .into_iter()
        .map(|mut volume| {
            volume["name"] = json!("v");
            (json!({"volumes": [volume]}), "the driver of a volume")
        })
        .collect();
    specs.push((json!({"imagePullSecrets": [named]}), "pulls no images"));
    for (mut spec, expected) in specs {
        spec["containers"] = json!([{"name": "main", "image": "i"}]);
        let pod = |spec: &Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": PROJECT, "name": "p"}, "spec": spec});
        let said = create_dry(&stage.grace, &pod(&spec)).await.unwrap_err();
        assert!(said.contains(expected), "{spec}: {said}");
        let said = create_dry(&stage.engine, &pod(&spec)).await.unwrap_err();
        assert!(said.contains(expected), "not a run of hers: {spec}: {said}");
        let of_hers = of_a_person(pod(&spec));
        create_dry(&stage.engine, &of_hers).await.unwrap();
        let said = create_dry(&stage.grace, &of_hers).await.unwrap_err();
        assert!(
            said.contains(expected),
            "the label is no pass: {spec}: {said}"
        );
        let other = spec.to_string().replace(SECRET, "another");
        let other = pod(&serde_json::from_str(&other).unwrap());
        create_dry(&stage.grace, &other).await.unwrap();
    }
}

async fn only_the_operator_labels(stage: &Stage) {
    section("only the operator labels a Pipeline as a person's, and the engine what comes of it");
    let specs = [
        ("Task", json!({"steps": []}), &stage.engine),
        ("Pipeline", json!({"tasks": []}), &stage.operator),
        ("TaskRun", json!({"taskRef": {"name": "t"}}), &stage.engine),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "other"}}),
            &stage.engine,
        ),
    ];
    for (kind, spec, writer) in specs {
        let name = format!("labelled-{}", kind.to_lowercase());
        let object = engine_object(kind, &name, &spec);
        create_dry(&stage.grace, &object).await.unwrap();
        let object = of_a_person(object);
        for client in [&stage.grace, &stage.ada] {
            let said = create_dry(client, &object).await.expect_err(kind);
            assert!(said.contains("written by the operator alone"), "{said}");
        }
        create_dry(&stage.engine, &object).await.unwrap();
        create(writer, &object, &PostParams::default())
            .await
            .unwrap();
        let api = objects(&stage.ada, "tekton.dev/v1", kind, PROJECT);
        let change = Patch::Merge(json!({"spec": {"description": "changed"}}));
        let changed = api.patch(&name, &PatchParams::default(), &change).await;
        assert_eq!(
            changed.is_ok(),
            kind.ends_with("Run"),
            "{kind}: {changed:?}"
        );
        let other = Patch::Merge(json!({"metadata": {"labels": {PERSONAL_LABEL: "yes"}}}));
        let said = api
            .patch(&name, &PatchParams::default(), &other)
            .await
            .expect_err(kind)
            .to_string();
        assert!(said.contains("written by the operator alone"), "{said}");
    }

    section("nor does anything in a spec set the label");
    let metadata = json!({"labels": {PERSONAL_LABEL: "true"}});
    let step = json!([{"name": "s", "image": "i"}]);
    let task = json!([{"name": "t", "taskSpec": {"metadata": metadata, "steps": step}}]);
    let specs = [
        ("Pipeline", json!({"tasks": task})),
        ("PipelineRun", json!({"pipelineSpec": {"tasks": task}})),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "other"},
                "taskRunSpecs": [{"pipelineTaskName": "t", "metadata": metadata}]}),
        ),
    ];
    for (kind, spec) in specs {
        let object = engine_object(kind, "o", &spec);
        let said = create_dry(&stage.grace, &object).await.expect_err(kind);
        assert!(said.contains("somewhere it sets the label"), "{said}");
    }
}

async fn parameters_fill_in_no_name(stage: &Stage) {
    section("a run of a person's Pipeline puts no name together from parameters");
    let volume = |name: &str| json!([{"name": "v", "secret": {"secretName": name}}]);
    let additions = |name: &str| {
        [
            json!({"workspaces": [{"name": "w", "secret": {"secretName": name}}]}),
            json!({"taskRunTemplate": {"podTemplate": {"volumes": volume(name)}}}),
            json!({"taskRunSpecs": [{"pipelineTaskName": "t", "podTemplate": {"volumes": volume(name)}}]}),
        ]
    };
    let hers = json!({"name": "hers"});
    let from_elsewhere = json!({"resolver": "cluster", "params": []});
    for reference in [&hers, &from_elsewhere] {
        for mut spec in additions("ext-$(params.s)") {
            spec["pipelineRef"] = reference.clone();
            let run = engine_object("PipelineRun", "o", &spec);
            let said = create_dry(&stage.ada, &run).await.unwrap_err();
            assert!(said.contains("filled in with parameters"), "{spec}: {said}");
            spec["pipelineRef"] = json!({"name": "other"});
            let run = engine_object("PipelineRun", "o", &spec);
            create_dry(&stage.ada, &run).await.unwrap();
        }
        for mut spec in additions("another") {
            spec["pipelineRef"] = reference.clone();
            let run = engine_object("PipelineRun", "o", &spec);
            create_dry(&stage.ada, &run).await.unwrap();
        }
    }
}

async fn nobody_else_has_anything_fetched(stage: &Stage) {
    section("beside a person's workflow only that person has the engine fetch from elsewhere");
    let git =
        json!({"resolver": "git", "params": [{"name": "url", "value": "https://git.example.org"}]});
    let fetched_task = json!({"tasks": [{"name": "t", "taskRef": git}]});
    let fetched_step = json!({"steps": [{"name": "s", "ref": git}]});
    let cases = [
        ("PipelineRun", json!({"pipelineRef": git})),
        (
            "PipelineRun",
            json!({"pipelineRef": {"name": "x", "bundle": "b.example.org/x"}}),
        ),
        ("PipelineRun", json!({"pipelineSpec": fetched_task})),
        (
            "PipelineRun",
            json!({"pipelineSpec": {"tasks": [], "finally": [{"name": "t", "taskSpec": fetched_step}]}}),
        ),
        ("TaskRun", json!({"taskRef": git})),
        ("TaskRun", json!({"taskSpec": fetched_step})),
        ("Pipeline", fetched_task),
        ("Task", fetched_step),
    ];
    for (kind, spec) in cases {
        let mut object = engine_object(kind, "o", &spec);
        let said = create_dry(&stage.grace, &object).await.expect_err(kind);
        assert!(
            said.contains("a resolver other than `cluster` fetches"),
            "{kind} {spec}: {said}"
        );
        for client in [&stage.ada, &stage.engine] {
            create_dry(client, &object).await.unwrap();
        }
        let here = spec.to_string().replace("\"git\"", "\"cluster\"");
        let here = here.replace("b.example.org/x", "");
        let here = engine_object(kind, "o", &serde_json::from_str(&here).unwrap());
        create_dry(&stage.grace, &here).await.unwrap();
        object["metadata"]["namespace"] = json!("impersonal");
        create_dry(&stage.grace, &object).await.unwrap();
    }
}

async fn her_pipeline_is_the_operators(stage: &Stage) {
    section("the Pipeline of a person's workflow is the operator's");
    let pipeline = engine_object("Pipeline", "hers", &json!({"tasks": []}));
    for client in [&stage.grace, &stage.ada] {
        let said = create_dry(client, &pipeline).await.unwrap_err();
        assert!(said.contains("only the operator writes it"), "{said}");
    }
    create(&stage.operator, &pipeline, &PostParams::default())
        .await
        .unwrap();
    let api = objects(&stage.grace, "tekton.dev/v1", "Pipeline", PROJECT);
    let patch = Patch::Merge(json!({"spec": {"tasks": [{"name": "mine"}]}}));
    let said = api
        .patch("hers", &PatchParams::default(), &patch)
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("only the operator writes it"), "{said}");
    // As the collector of garbage does it.
    let owners =
        Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}, "ownerReferences": []}}));
    api.patch("hers", &PatchParams::default(), &owners)
        .await
        .unwrap();
    let other = engine_object("Pipeline", "o", &json!({"tasks": []}));
    create_dry(&stage.grace, &other).await.unwrap();
}

async fn nothing_pretends_to_be_hers(stage: &Stage) {
    section("nobody else labels anything as part of a person's workflow");
    let labelled = |kind: &str, spec: Value| {
        let mut object = engine_object(kind, "o", &spec);
        object["metadata"]["labels"] = json!({"tekton.dev/pipeline": "hers"});
        object
    };
    let cases = [
        labelled("TaskRun", json!({"taskRef": {"name": "t"}})),
        labelled("Task", json!({"steps": []})),
        labelled("Pipeline", json!({"tasks": []})),
        labelled("PipelineRun", json!({"pipelineSpec": {"tasks": []}})),
    ];
    for object in cases {
        let said = create_dry(&stage.grace, &object).await.unwrap_err();
        assert!(
            said.contains("metadata.labels: tekton.dev/pipeline"),
            "{said}"
        );
        create_dry(&stage.engine, &object).await.unwrap();
        let mut other = object;
        other["metadata"]["labels"] = json!({"tekton.dev/pipeline": "other"});
        create_dry(&stage.grace, &other).await.unwrap();
    }
    let run = engine_object("TaskRun", "later", &json!({"taskRef": {"name": "t"}}));
    create(&stage.grace, &run, &PostParams::default())
        .await
        .unwrap();
    let patch = Patch::Merge(json!({"metadata": {"labels": {"tekton.dev/pipeline": "hers"}}}));
    let said = objects(&stage.grace, "tekton.dev/v1", "TaskRun", PROJECT)
        .patch("later", &PatchParams::default(), &patch)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("metadata.labels: tekton.dev/pipeline"),
        "{said}"
    );
}

async fn a_run_that_waits_is_not_turned(stage: &Stage) {
    section("a run that waits is not turned to a person's Pipeline");
    let spec = json!({"status": "PipelineRunPending", "pipelineRef": {"name": "other"}});
    let run = engine_object("PipelineRun", "waits", &spec);
    create(&stage.grace, &run, &PostParams::default())
        .await
        .unwrap();
    let turn = Patch::Merge(json!({"spec": {"pipelineRef": {"name": "hers"}}}));
    let api = |client| objects(client, "tekton.dev/v1", "PipelineRun", PROJECT);
    let said = api(&stage.grace)
        .patch("waits", &PatchParams::default(), &turn)
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("bound to credentials of `ada`"), "{said}");
    let start = Patch::Merge(json!({"spec": {"status": null}}));
    api(&stage.grace)
        .patch("waits", &PatchParams::default(), &start)
        .await
        .unwrap();
    api(&stage.ada)
        .patch("waits", &PatchParams::default(), &turn)
        .await
        .unwrap();
}
