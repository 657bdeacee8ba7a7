//! The policies that stamp identities: the author of a workflow and the user of a run are the requester,
//! regardless of what the object claims. No operator runs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/changes.rs"]
mod changes;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/users.rs"]
mod users;

use changes::{assert_change_admitted, assert_change_refused};
use extension_registry_api::{
    AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION, ON_BEHALF_OF_ANNOTATION, RUN_BY_ANNOTATION,
    RUN_BY_GROUPS_ANNOTATION,
};
use extension_registry_e2e::setup::with_input;
use kube::api::{Patch, PatchParams};
use policies::{
    ENGINE, REGISTRY, Stage, TEAM, TEKTON, annotate, annotation, assert_admitted, assert_refused,
    create_stored, dry_create, section,
};
use serde_json::{Value, json};
use users::objects;

const PROJECT: &str = "identity-policies";
const FORGED: &str = "mallory";

#[tokio::test(flavor = "multi_thread")]
async fn stamps_the_identity_of_the_requester() {
    let stage = Stage::start(PROJECT).await;
    stamps_names_and_groups_unchanged(&stage).await;
    stamps_author_on_create(&stage).await;
    author_changes_only_with_the_spec(&stage).await;
    on_behalf_of_requires_impersonate(&stage).await;
    on_behalf_of_persists_after_removal(&stage).await;
    stamps_user_of_run_on_create(&stage).await;
    user_of_run_is_immutable(&stage).await;
    engine_propagates_the_stamp(&stage).await;
    templates_cannot_set_the_user(&stage).await;
    stage.stop().await;
}

fn workflow(stage: &Stage, name: &str) -> Value {
    let spec = json!({"steps": [{"name": "train", "image": "i"}]});
    stage.object(REGISTRY, "Workflow", name, spec)
}

fn forge(object: &mut Value) {
    let forged = json!({AUTHOR_ANNOTATION: FORGED, AUTHOR_GROUPS_ANNOTATION: "root",
            RUN_BY_ANNOTATION: FORGED, RUN_BY_GROUPS_ANNOTATION: "root"});
    annotate(object, &forged);
}

fn author(object: &Value) -> (&str, Vec<&str>) {
    stamp(object, AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION)
}

fn run_by(object: &Value) -> (&str, Vec<&str>) {
    stamp(object, RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION)
}

fn stamp<'o>(object: &'o Value, user: &str, groups: &str) -> (&'o str, Vec<&'o str>) {
    let groups = annotation(object, groups).unwrap_or_default();
    let groups = groups.split('\n').filter(|group| !group.is_empty());
    (
        annotation(object, user).unwrap_or_default(),
        groups.collect(),
    )
}

async fn stamps_names_and_groups_unchanged(stage: &Stage) {
    section("names and groups of users are stamped unchanged");
    let users = [
        "ada@example.org",
        "oidc:ada",
        "Ada Lovelace",
        "https://issuer.example.org#ada",
        "system:serviceaccount:ci:robot",
        "system:node:worker-1",
    ];
    for user in users {
        let client = stage.impersonate(user, &[]);
        let created = assert_admitted(&client, &workflow(stage, "names")).await;
        assert_eq!(author(&created), (user, vec![TEAM, "system:authenticated"]));
        let created = assert_admitted(&client, &stage.runs()[0]).await;
        assert_eq!(run_by(&created).0, user);
    }

    section("groups may contain commas and spaces, and there may be hundreds");
    let many: Vec<String> = (0..300)
        .map(|number| format!("cn=g{number}, ou=staff, dc=example"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let client = stage.impersonate("grace", &many);
    let created = assert_admitted(&client, &workflow(stage, "names")).await;
    let expected = [&[TEAM], &many[..], &["system:authenticated"]].concat();
    assert_eq!(author(&created), ("grace", expected.clone()));
    let created = assert_admitted(&client, &stage.runs()[1]).await;
    assert_eq!(run_by(&created), ("grace", expected));

    section("non-ASCII names are stamped unchanged");
    let arguments = [
        "create",
        "--dry-run=server",
        "-o",
        "json",
        "-f",
        "-",
        "--as",
        "jürgen ✓",
        "--as-group",
        TEAM,
    ];
    let mut kubectl = std::process::Command::new(stage.cluster.kubectl());
    kubectl
        .args(arguments)
        .env("KUBECONFIG", stage.cluster.kubeconfig());
    let output = with_input(&mut kubectl, &stage.runs()[0].to_string()).unwrap();
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run_by(&created).0, "jürgen ✓");
}

async fn stamps_author_on_create(stage: &Stage) {
    section("a workflow gets the requester as its author, and forged claims are overwritten");
    let mut forged = workflow(stage, "forged");
    forge(&mut forged);
    let created = dry_create(&stage.grace, &forged).await.unwrap();
    assert_eq!(
        author(&created),
        ("grace", vec![TEAM, "system:authenticated"])
    );
    let mut generated = forged.clone();
    generated["metadata"] = json!({"namespace": PROJECT, "generateName": "forged-",
        "annotations": forged["metadata"]["annotations"]});
    let created = dry_create(&stage.grace, &generated).await.unwrap();
    assert_eq!(author(&created).0, "grace");
    let applied = objects(&stage.grace, REGISTRY, "Workflow", PROJECT)
        .patch(
            "forged",
            &PatchParams {
                dry_run: true,
                ..PatchParams::apply("someone")
            },
            &Patch::Apply(&forged),
        )
        .await
        .unwrap();
    let applied = serde_json::to_value(applied).unwrap();
    assert_eq!(author(&applied).0, "grace");
    annotate(&mut forged, &json!({}));
    let created = dry_create(&stage.grace, &forged).await.unwrap();
    assert_eq!(author(&created).0, "grace");
}

async fn author_changes_only_with_the_spec(stage: &Stage) {
    section("the author of an unchanged spec cannot be forged, removed or copied");
    let original = create_stored(&stage.ada, &workflow(stage, "hers")).await;
    assert_eq!(author(&original).0, "ada");
    let unmoved: [fn(&mut Value); 5] = [
        |object| object["metadata"]["labels"] = json!({"seen": "yes"}),
        |object| object["metadata"]["finalizers"] = json!(["example.org/hold"]),
        |object| object["metadata"]["annotations"][AUTHOR_ANNOTATION] = json!("grace"),
        |object| object["metadata"]["annotations"][AUTHOR_GROUPS_ANNOTATION] = json!("root"),
        |object| object["metadata"]["annotations"] = json!({}),
    ];
    for change in unmoved {
        for now in assert_change_admitted(&stage.grace, &original, "", change).await {
            assert_eq!(author(&now), author(&original));
        }
    }
    let status = |object: &mut Value| {
        forge(object);
        object["status"] = json!({"observedGeneration": 1});
    };
    for now in assert_change_admitted(&stage.operator, &original, "status", status).await {
        assert_eq!(author(&now), author(&original));
    }

    section("a changed spec has the requester as author, regardless of claims");
    let moved: [fn(&mut Value); 3] = [
        |object| object["spec"]["description"] = json!("by grace"),
        |object| {
            forge(object);
            object["spec"]["description"] = json!("by grace");
        },
        |object| {
            object["metadata"]["annotations"] = json!({});
            object["spec"]["steps"][0]["image"] = json!("other");
        },
    ];
    for change in moved {
        for now in assert_change_admitted(&stage.grace, &original, "", change).await {
            assert_eq!(author(&now), ("grace", vec![TEAM, "system:authenticated"]));
        }
    }
}

/// Grants a user the verb impersonate on another user.
fn grant_impersonate(stage: &Stage, user: &str, rule: &[&str]) {
    let name = format!(
        "act-{}",
        rule.concat().replace(|c: char| !c.is_alphanumeric(), "-")
    );
    let create = [
        &["create", "clusterrole", &name, "--verb=impersonate"],
        rule,
    ]
    .concat();
    stage.cluster.kubectl_run(&create).unwrap();
    let (role_option, user_option) = (format!("--clusterrole={name}"), format!("--user={user}"));
    let bind = [
        "create",
        "clusterrolebinding",
        &name,
        &role_option,
        &user_option,
    ];
    stage.cluster.kubectl_run(&bind).unwrap();
}

fn on_behalf_of(object: &Value, user: &str) -> Value {
    let mut object = object.clone();
    annotate(&mut object, &json!({ON_BEHALF_OF_ANNOTATION: user}));
    object
}

async fn on_behalf_of_requires_impersonate(stage: &Stage) {
    section("acting on behalf of another user requires the verb impersonate on that user");
    let objects = [
        workflow(stage, "behalf"),
        stage.runs()[0].clone(),
        stage.runs()[1].clone(),
    ];
    let others = [
        "ada",
        "system:serviceaccount:ci:robot",
        "system:serviceaccount:ci",
        "system:masters",
    ];
    for object in &objects {
        for user in others {
            let expected = format!("`grace` may not impersonate `{user}`");
            assert_refused(&stage.grace, &on_behalf_of(object, user), &expected).await;
        }
        let own = assert_admitted(&stage.grace, &on_behalf_of(object, "grace")).await;
        let (user, groups) = if object["kind"] == "Workflow" {
            author(&own)
        } else {
            run_by(&own)
        };
        assert_eq!(
            (user, groups.len()),
            ("grace", 2),
            "her own name takes over her groups"
        );
    }
    // Neither permission replaces the other.
    grant_impersonate(
        stage,
        "grace",
        &[
            "--resource=users",
            "--resource-name=ada",
            "--resource-name=ci:robot",
        ],
    );
    grant_impersonate(
        stage,
        "grace",
        &["--resource=serviceaccounts", "--resource-name=robot"],
    );
    for object in &objects {
        for user in ["ada", "system:serviceaccount:ci:robot"] {
            let mut claimed = on_behalf_of(object, user);
            claimed["metadata"]["annotations"][AUTHOR_GROUPS_ANNOTATION] = json!("root");
            claimed["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] = json!("root");
            let created = assert_admitted(&stage.grace, &claimed).await;
            let stamped = if object["kind"] == "Workflow" {
                author(&created)
            } else {
                run_by(&created)
            };
            assert_eq!(stamped, (user, vec![]), "no groups are taken over");
        }
        assert_refused(
            &stage.grace,
            &on_behalf_of(object, "system:serviceaccount:ci:other"),
            "may not impersonate",
        )
        .await;
        assert_refused(
            &stage.ada,
            &on_behalf_of(object, "grace"),
            "`ada` may not impersonate `grace`",
        )
        .await;
    }
}

async fn on_behalf_of_persists_after_removal(stage: &Stage) {
    section("the annotation alone changes the author, and persists");
    let original = create_stored(
        &stage.grace,
        &on_behalf_of(&workflow(stage, "for-ada"), "ada"),
    )
    .await;
    assert_eq!(author(&original), ("ada", vec![]));
    let removed = |object: &mut Value| annotate(object, &json!({}));
    for now in assert_change_admitted(&stage.grace, &original, "", removed).await {
        assert_eq!(author(&now).0, "grace");
    }
    let linus = stage.impersonate("linus", &[]);
    for now in assert_change_admitted(&linus, &original, "", removed).await {
        assert_eq!(author(&now).0, "linus");
    }
    let rewritten = |object: &mut Value| object["spec"]["description"] = json!("other");
    assert_change_refused(
        &linus,
        &original,
        "",
        rewritten,
        "`linus` may not impersonate `ada`",
    )
    .await;
    for now in assert_change_admitted(&stage.grace, &original, "", rewritten).await {
        assert_eq!(author(&now), ("ada", vec![]));
    }
    let own = create_stored(&linus, &workflow(stage, "own")).await;
    let claimed = |object: &mut Value| {
        object["metadata"]["annotations"][ON_BEHALF_OF_ANNOTATION] = json!("ada");
    };
    assert_change_refused(
        &linus,
        &own,
        "",
        claimed,
        "`linus` may not impersonate `ada`",
    )
    .await;
    let labelled = |object: &mut Value| object["metadata"]["labels"] = json!({"seen": "yes"});
    for now in assert_change_admitted(&linus, &original, "", labelled).await {
        assert_eq!(
            author(&now),
            ("ada", vec![]),
            "a label requires no permission"
        );
    }
}

async fn stamps_user_of_run_on_create(stage: &Stage) {
    section("a run gets the requester as its user, and forged claims are overwritten");
    for run in stage.runs() {
        let mut forged = run.clone();
        forge(&mut forged);
        let mut generated = forged.clone();
        generated["metadata"]["generateName"] = json!("run-");
        generated["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("name");
        for object in [&run, &forged, &generated] {
            let created = dry_create(&stage.admin, object).await.unwrap();
            assert_ne!(run_by(&created).0, FORGED);
            let created = dry_create(&stage.grace, object).await.unwrap();
            assert_eq!(
                run_by(&created),
                ("grace", vec![TEAM, "system:authenticated"])
            );
        }
    }
}

async fn user_of_run_is_immutable(stage: &Stage) {
    section("no client can change or remove the user of a run, including the engine");
    let changes: [fn(&mut Value); 4] = [
        forge,
        |object| object["metadata"]["annotations"] = json!({}),
        |object| object["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] = json!("root"),
        |object| object["metadata"]["annotations"][ON_BEHALF_OF_ANNOTATION] = json!(FORGED),
    ];
    for (number, mut run) in stage.runs().into_iter().enumerate() {
        run["metadata"]["name"] = json!(format!("run-{number}"));
        let original = create_stored(&stage.ada, &run).await;
        for change in changes {
            for client in [&stage.ada, &stage.grace, &stage.admin] {
                for now in assert_change_admitted(client, &original, "", change).await {
                    assert_eq!(run_by(&now), run_by(&original));
                }
            }
            let status = |object: &mut Value| {
                change(object);
                object["status"] = json!({"podName": "p"});
            };
            for now in assert_change_admitted(&stage.engine, &original, "status", status).await {
                assert_eq!(run_by(&now), run_by(&original));
            }
        }
        for change in &changes[..2] {
            assert_change_refused(
                &stage.engine,
                &original,
                "",
                change,
                "registry.fuseml.io/run-by",
            )
            .await;
        }
        let other = |object: &mut Value| {
            object["metadata"]["annotations"]["example.org/seen"] = json!("yes");
        };
        assert_change_admitted(&stage.engine, &original, "", other).await;
    }
}

async fn engine_propagates_the_stamp(stage: &Stage) {
    section("objects of the engine keep inherited annotations");
    for mut run in stage.runs() {
        forge(&mut run);
        let created = dry_create(&stage.engine, &run).await.unwrap();
        assert_eq!(run_by(&created), (FORGED, vec!["root"]));
        let impostor = stage.impersonate(
            &ENGINE.replace("tekton-pipelines:", "tekton-pipeline:"),
            &[],
        );
        let created = dry_create(&impostor, &run).await.unwrap();
        assert_ne!(run_by(&created).0, FORGED);
    }
}

async fn templates_cannot_set_the_user(stage: &Stage) {
    section("templates in a run cannot set the user");
    let annotations = json!({"annotations": {RUN_BY_ANNOTATION: "ada"}});
    let groups = json!({"annotations": {RUN_BY_GROUPS_ANNOTATION: "root"}});
    for metadata in [annotations, groups] {
        let task = json!([{"name": "t", "taskSpec": {"metadata": metadata, "steps": []}}]);
        let custom = json!([{"name": "t", "taskSpec": {
            "apiVersion": "example.org/v1", "kind": "Loop", "metadata": metadata, "spec": {}}}]);
        let in_spec = [
            ("Pipeline", json!({"tasks": task})),
            ("Pipeline", json!({"tasks": [], "finally": custom})),
            (
                "Pipeline",
                json!({"tasks": [{"name": "t", "pipelineSpec": {"tasks": task}}]}),
            ),
            (
                "Task",
                json!({"steps": [], "params": [{"name": "p", "default": metadata.to_string()}]}),
            ),
            (
                "TaskRun",
                json!({"taskSpec": {"metadata": metadata, "steps": []}}),
            ),
            ("PipelineRun", json!({"pipelineSpec": {"tasks": task}})),
            (
                "PipelineRun",
                json!({"pipelineRef": {"name": "x"},
                "taskRunSpecs": [{"pipelineTaskName": "t", "metadata": metadata}]}),
            ),
        ];
        for (kind, spec) in in_spec {
            for version in [TEKTON, "tekton.dev/v1beta1"] {
                let object = stage.object(version, kind, "o", spec.clone());
                assert_refused(&stage.grace, &object, "is reserved for runs").await;
                let mut other = spec.to_string().replace("run-by", "other");
                other = other.replace("\"annotations\"", "\"labels\"");
                let other = stage.object(version, kind, "o", serde_json::from_str(&other).unwrap());
                assert_admitted(&stage.grace, &other).await;
            }
        }
        for (version, kind, spec) in [
            (TEKTON, "Pipeline", json!({"tasks": []})),
            (TEKTON, "Task", json!({"steps": []})),
            ("tekton.dev/v1beta1", "StepAction", json!({"image": "i"})),
        ] {
            let mut object = stage.object(version, kind, "o", spec);
            assert_admitted(&stage.grace, &object).await;
            object["metadata"]["annotations"] = metadata["annotations"].clone();
            assert_refused(&stage.grace, &object, "is reserved for runs").await;
            // The engine validates remote tasks and pipelines with a dry run.
            assert_refused(&stage.engine, &object, "is reserved for runs").await;
        }
    }

    section("stored templates cannot set it later");
    let task = stage.object(TEKTON, "Task", "later", json!({"steps": []}));
    let task = create_stored(&stage.grace, &task).await;
    assert_change_refused(&stage.grace, &task, "", forge, "is reserved for runs").await;
    let parameter = |object: &mut Value| object["spec"]["description"] = json!(RUN_BY_ANNOTATION);
    assert_change_refused(&stage.grace, &task, "", parameter, "is reserved for runs").await;

    section("a large Pipeline is within the cost limit of the policy");
    let step = json!({"name": "s", "image": "i", "script": "x".repeat(3_000)});
    let tasks: Vec<Value> = (0..300)
        .map(|index| json!({"name": format!("t{index}"), "taskSpec": {"steps": [step]}}))
        .collect();
    let large = stage.object(TEKTON, "Pipeline", "o", json!({"tasks": tasks}));
    assert_admitted(&stage.grace, &large).await;
}
