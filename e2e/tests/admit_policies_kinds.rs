//! The policies on objects that only the operator writes (projections, run gates, statuses, names and owners
//! of rendered Secrets), and on the operator itself. No operator runs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/changes.rs"]
mod changes;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/users.rs"]
mod users;

use changes::{assert_change_admitted, assert_change_refused, dry_delete, dry_delete_all};
use extension_registry_e2e::setup::NAMESPACE;
use kube::Client;
use kube::api::{DeleteParams, PostParams, PropagationPolicy};
use policies::{
    REGISTRY, SECRET, Stage, TEKTON, assert_admitted, assert_refused, create_stored, dry_create,
    eventually, section,
};
use serde_json::{Value, json};
use users::objects;

const PROJECT: &str = "kind-policies";
const OPERATOR_ONLY: &str = "can only be written by the registry operator";

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_writes_its_kinds() {
    let stage = Stage::start(PROJECT).await;
    only_the_operator_writes_run_gates(&stage).await;
    only_the_operator_writes_projections(&stage).await;
    projections_cannot_be_orphaned(&stage).await;
    only_the_operator_writes_statuses(&stage).await;
    names_of_rendered_secrets_are_reserved(&stage).await;
    only_collectors_change_owners_of_rendered_secrets(&stage).await;
    delete_returns_no_secret_to_the_operator(&stage).await;
    operator_creates_only_its_lease_in_its_namespace(&stage).await;
    namespace_deletion_completes(&stage).await;
    stage.stop().await;
}

fn other_clients(stage: &Stage) -> [&Client; 3] {
    [&stage.grace, &stage.engine, &stage.admin]
}

fn projection(stage: &Stage, name: &str) -> Value {
    let spec =
        json!({"record": {"kind": "ClusterExtension", "name": "r"}, "service": "s", "type": "s3"});
    stage.object(REGISTRY, "ExtensionProjection", name, spec)
}

fn rendered(stage: &Stage, owner: &Value) -> Value {
    let name = &owner["metadata"]["name"];
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "servicebinding.io/s3",
        "metadata": {
            "namespace": stage.project, "name": name,
            "labels": {"registry.fuseml.io/managed-by": "extension-registry"},
            "ownerReferences": [{"apiVersion": REGISTRY, "kind": "ExtensionProjection", "name": name,
                "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": false}],
        },
        "data": {"uri": "eA=="},
    })
}

fn opaque(stage: &Stage, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"namespace": stage.project, "name": name}, "data": {"x": "eA=="}})
}

async fn only_the_operator_writes_run_gates(stage: &Stage) {
    section("only the operator creates, changes or deletes a run gate");
    let gate = |user: &str| {
        stage.object(
            REGISTRY,
            "RunGate",
            "extension-registry",
            json!({"userSecrets": {SECRET: {"user": user}}}),
        )
    };
    for client in other_clients(stage) {
        assert_refused(client, &gate("grace"), OPERATOR_ONLY).await;
    }
    stage
        .gate(json!({"userSecrets": {SECRET: {"user": "ada"}}}))
        .await;
    let written = objects(&stage.admin, REGISTRY, "RunGate", PROJECT);
    let written = serde_json::to_value(written.get("extension-registry").await.unwrap()).unwrap();
    let changes: [fn(&mut Value); 5] = [
        |gate| gate["spec"]["userSecrets"][SECRET]["user"] = json!("grace"),
        |gate| {
            gate["spec"]["userSecrets"][SECRET] =
                json!({"user": "eve", "serviceAccounts": ["system:serviceaccount:a:b"]});
        },
        |gate| gate["spec"]["heldPipelines"] = json!({"other": "x"}),
        |gate| gate["metadata"]["labels"] = json!({"a": "b"}),
        |gate| {
            gate["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "u"}]);
        },
    ];
    for change in changes {
        for client in other_clients(stage) {
            assert_change_refused(client, &written, "", change, OPERATOR_ONLY).await;
        }
        assert_change_admitted(&stage.operator, &written, "", change).await;
    }
    // Only the operator could delete it.
    let finalizer = |gate: &mut Value| gate["metadata"]["finalizers"] = json!(["example.org/a"]);
    assert_change_refused(
        &stage.operator,
        &written,
        "",
        finalizer,
        "may not add finalizers",
    )
    .await;
    for client in other_clients(stage) {
        for options in [
            json!({}),
            json!({"propagationPolicy": "Foreground"}),
            json!({"gracePeriodSeconds": 0}),
        ] {
            let message = dry_delete(client, &written, options).await.unwrap_err();
            assert!(message.contains(OPERATOR_ONLY), "{message}");
        }
        let message = dry_delete_all(client, &written, json!({}))
            .await
            .unwrap_err();
        assert!(message.contains(OPERATOR_ONLY), "{message}");
    }
    for client in [&stage.token, &stage.collector] {
        dry_delete(client, &written, json!({})).await.unwrap();
    }

    section("a namespace has one run gate, with a fixed name");
    let mut second = gate("ada");
    second["metadata"]["name"] = json!("second");
    let message = dry_create(&stage.operator, &second).await.unwrap_err();
    assert!(
        message.contains("the RunGate of a namespace must be named"),
        "{message}"
    );
}

async fn only_the_operator_writes_projections(stage: &Stage) {
    section("only the operator creates or changes a projection; other users may delete it");
    let projection_object = projection(stage, "ext-kept-0123456789abcdef");
    for client in other_clients(stage) {
        assert_refused(client, &projection_object, OPERATOR_ONLY).await;
    }
    let projection_object = create_stored(&stage.token, &projection_object).await;
    let changes: [fn(&mut Value); 3] = [
        |projection| projection["metadata"]["labels"] = json!({"a": "b"}),
        |projection| projection["metadata"]["annotations"] = json!({"a": "b"}),
        |projection| projection["metadata"]["finalizers"] = json!(["orphan"]),
    ];
    for change in changes {
        for client in other_clients(stage) {
            assert_change_refused(client, &projection_object, "", change, OPERATOR_ONLY).await;
        }
        // The garbage collector changes owners and finalizers.
        assert_change_admitted(&stage.collector, &projection_object, "", change).await;
    }
    let status = |projection: &mut Value| projection["status"] = json!({"consumers": 7});
    for client in [&stage.grace, &stage.engine, &stage.admin, &stage.collector] {
        assert_change_refused(
            client,
            &projection_object,
            "status",
            status,
            "status: can only be written by the registry operator",
        )
        .await;
    }
    assert_change_admitted(&stage.operator, &projection_object, "status", status).await;
    for client in other_clients(stage) {
        for options in [
            json!({}),
            json!({"propagationPolicy": "Background"}),
            json!({"propagationPolicy": "Foreground"}),
            json!({"orphanDependents": false}),
        ] {
            dry_delete(client, &projection_object, options)
                .await
                .unwrap();
        }
        dry_delete_all(client, &projection_object, json!({}))
            .await
            .unwrap();
    }
}

async fn projections_cannot_be_orphaned(stage: &Stage) {
    section("a projection cannot be deleted without its Secret");
    let projection_object = projection(stage, "ext-kept-0123456789abcdef");
    for client in other_clients(stage) {
        for options in [
            json!({"propagationPolicy": "Orphan"}),
            json!({"orphanDependents": true}),
        ] {
            for deleted in [
                dry_delete(client, &projection_object, options.clone()).await,
                dry_delete_all(client, &projection_object, options).await,
            ] {
                let message = deleted.unwrap_err();
                assert!(
                    message.contains("delete it without --cascade=orphan"),
                    "{message}"
                );
            }
        }
    }
}

async fn only_the_operator_writes_statuses(stage: &Stage) {
    section("only the operator writes a status");
    let spec = json!({"steps": [{"name": "a", "image": "i"}]});
    let mut cluster = stage.object(
        REGISTRY,
        "ClusterExtension",
        "kind-policies",
        json!({"product": "p"}),
    );
    cluster["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    let stored_objects = [
        create_stored(&stage.admin, &stage.object(REGISTRY, "Workflow", "w", spec)).await,
        create_stored(
            &stage.admin,
            &stage.object(REGISTRY, "Extension", "r", json!({"product": "p"})),
        )
        .await,
        create_stored(&stage.admin, &cluster).await,
        create_stored(
            &stage.admin,
            &stage.object(REGISTRY, "ExtensionBinding", "b", json!({"product": "p"})),
        )
        .await,
    ];
    let changes: [fn(&mut Value); 2] = [
        |object| object["status"]["observedGeneration"] = json!(1),
        |object| {
            object["status"]["conditions"] = json!([{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        },
    ];
    for object in &stored_objects {
        for change in changes {
            for client in [&stage.grace, &stage.engine, &stage.admin, &stage.collector] {
                assert_change_refused(
                    client,
                    object,
                    "status",
                    change,
                    "status: can only be written by the registry operator",
                )
                .await;
            }
            assert_change_admitted(&stage.operator, object, "status", change).await;
        }
    }
    stage
        .cluster
        .kubectl_run(&["delete", "cext", "kind-policies"])
        .unwrap();
}

async fn names_of_rendered_secrets_are_reserved(stage: &Stage) {
    section("only the operator creates a Secret with the name of a rendered one");
    let reserved = "or the name of a rendered Secret";
    for name in [
        SECRET,
        "ext-store-0123456789abcdef",
        "ext-u-a-b-c-0000000000000000",
        "ext-x-ffffffffffffffff",
    ] {
        for client in other_clients(stage) {
            assert_refused(client, &opaque(stage, name), reserved).await;
        }
    }
    for name in [
        "ext-store",
        "ext-u-store",
        "text-0123456789abcdef",
        "ext-store-0123456789abcde",
        "ext-store-0123456789abcdefg",
    ] {
        assert_admitted(&stage.grace, &opaque(stage, name)).await;
    }
    let mut generated = opaque(stage, "x");
    generated["metadata"] =
        json!({"namespace": PROJECT, "generateName": "ext-u-store-0123456789abcdef"});
    assert_admitted(&stage.grace, &generated).await;
    let mut labelled = opaque(stage, "own");
    labelled["metadata"]["labels"] = json!({"registry.fuseml.io/managed-by": "me"});
    assert_refused(&stage.admin, &labelled, reserved).await;
}

async fn only_collectors_change_owners_of_rendered_secrets(stage: &Stage) {
    section("only the garbage collector changes the owners of a rendered Secret");
    let owner = create_stored(
        &stage.token,
        &projection(stage, "ext-owner-0123456789abcdef"),
    )
    .await;
    let secret = create_stored(&stage.token, &rendered(stage, &owner)).await;
    let changes: [fn(&mut Value); 3] = [
        |secret| secret["metadata"]["ownerReferences"] = json!([]),
        |secret| {
            secret["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("ownerReferences");
        },
        |secret| secret["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = json!(true),
    ];
    for change in changes {
        for client in other_clients(stage) {
            assert_change_refused(
                client,
                &secret,
                "",
                change,
                "metadata.ownerReferences: a rendered Secret",
            )
            .await;
        }
        assert_change_admitted(&stage.collector, &secret, "", change).await;
    }
    let note = |secret: &mut Value| secret["metadata"]["annotations"] = json!({"a": "b"});
    assert_change_admitted(&stage.grace, &secret, "", note).await;
    // The garbage collector cannot change labels, data, immutability and finalizers either.
    let data = |secret: &mut Value| secret["data"]["uri"] = json!("eQ==");
    assert_change_refused(
        &stage.collector,
        &secret,
        "",
        data,
        "is rendered by the registry operator",
    )
    .await;

    section("it is deleted with its projection");
    let delete = [
        "delete",
        "extp",
        "ext-owner-0123456789abcdef",
        "-n",
        PROJECT,
        "--wait=false",
    ];
    stage.cluster.kubectl_run(&delete).unwrap();
    let secrets = objects(&stage.admin, "v1", "Secret", PROJECT);
    eventually("the Secret is gone", async || {
        match secrets.get_opt("ext-owner-0123456789abcdef").await.unwrap() {
            None => Ok(()),
            Some(_) => Err("it exists".to_owned()),
        }
    })
    .await;
}

async fn namespace_deletion_completes(stage: &Stage) {
    section("a namespace is deleted with its run gate, projections, Secrets and Pipelines");
    let owner = create_stored(
        &stage.token,
        &projection(stage, "ext-last-0123456789abcdef"),
    )
    .await;
    create_stored(&stage.token, &rendered(stage, &owner)).await;
    let pipeline = stage.owned_pipeline("last").await;
    create_stored(&stage.token, &pipeline).await;
    let run = stage.object(
        TEKTON,
        "PipelineRun",
        "last",
        json!({"pipelineRef": {"name": "last"}}),
    );
    create_stored(&stage.ada, &run).await;
    let delete = ["delete", "namespace", PROJECT, "--timeout=240s"];
    stage.cluster.kubectl_run(&delete).unwrap();
}

async fn delete_returns_no_secret_to_the_operator(stage: &Stage) {
    section("no deletion of a rendered Secret returns it to the operator");
    let owner = create_stored(&stage.token, &projection(stage, "ext-read")).await;
    create_stored(&stage.token, &rendered(stage, &owner)).await;
    let secrets = objects(&stage.token, "v1", "Secret", stage.project);
    let dry = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    for parameters in [
        dry.clone(),
        DeleteParams::foreground(),
        DeleteParams::orphan(),
        DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..dry
        },
    ] {
        let deleted = secrets.delete("ext-read", &parameters).await;
        let message = deleted.map(drop).unwrap_err().to_string();
        assert!(
            message.contains("must delete rendered Secrets with background propagation"),
            "{message}"
        );
    }
    let deleted = secrets
        .delete("ext-read", &DeleteParams::background())
        .await;
    assert!(
        deleted.unwrap().is_right(),
        "the answer is a status without the Secret"
    );
}

async fn operator_creates_only_its_lease_in_its_namespace(stage: &Stage) {
    section("in its namespace the operator creates only its Lease, and workflows as dry runs");
    let lease = |name: &str| {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": NAMESPACE, "name": name}, "spec": {}})
    };
    assert_refused(
        &stage.token,
        &lease("other"),
        "may only create the Lease extension-registry",
    )
    .await;
    assert_admitted(&stage.token, &lease("extension-registry")).await;
    let mut workflow = stage.object(
        REGISTRY,
        "Workflow",
        "probe",
        json!({"steps": [{"name": "a", "image": "i"}]}),
    );
    workflow["metadata"]["namespace"] = json!(NAMESPACE);
    // With all permissions, because without the webhook the operator's own role does not include this one.
    assert_admitted(&stage.operator, &workflow).await;
    let workflows = objects(&stage.operator, REGISTRY, "Workflow", NAMESPACE);
    let workflow = serde_json::from_value(workflow).unwrap();
    let created = workflows.create(&PostParams::default(), &workflow).await;
    let message = created.unwrap_err().to_string();
    assert!(
        message.contains("may create workflows only as a dry run"),
        "{message}"
    );
}
