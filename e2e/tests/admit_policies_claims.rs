//! The policies on identities if the API server does not stamp them: users claim an identity, and only true
//! claims are admitted. No operator runs.
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
use kube::Client;
use policies::{
    REGISTRY, SECRET, Stage, TEAM, annotate, annotation, assert_admitted, assert_refused,
    create_stored, dry_create, section,
};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn without_stamping_only_true_claims_are_admitted() {
    let stage = Stage::without_stamps("identity-claims").await;
    author_can_only_claim_their_own_name(&stage).await;
    run_can_only_claim_its_own_user(&stage).await;
    run_without_user_gets_no_secret(&stage).await;
    stage.stop().await;
}

async fn claims(
    client: &Client,
    object: &Value,
    user: &str,
    groups: Option<&str>,
) -> policies::Outcome {
    let mut object = object.clone();
    let [name, list] = if object["kind"] == "Workflow" {
        [AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION]
    } else {
        [RUN_BY_ANNOTATION, RUN_BY_GROUPS_ANNOTATION]
    };
    annotate(&mut object, &json!({name: user}));
    if let Some(groups) = groups {
        object["metadata"]["annotations"][list] = json!(groups);
    }
    dry_create(client, &object).await
}

async fn admits_only_true_claims(stage: &Stage, object: &Value) {
    for (user, groups) in [
        ("grace", None),
        ("grace", Some("")),
        ("grace", Some(TEAM)),
        ("grace", Some("system:authenticated\npolicy-team")),
    ] {
        claims(&stage.grace, object, user, groups).await.unwrap();
    }
    for (user, groups, expected) in [
        ("ada", None, "must name the requester `grace`"),
        ("Grace", None, "must name the requester `grace`"),
        ("grace ", None, "must name the requester `grace`"),
        (
            "grace",
            Some("root"),
            "may only list groups of the requester",
        ),
        (
            "grace",
            Some("policy-team\nroot"),
            "may only list groups of the requester",
        ),
        (
            "grace",
            Some("policy-team\n"),
            "may only list groups of the requester",
        ),
        ("", Some(TEAM), "may only list groups of the requester"),
    ] {
        let message = claims(&stage.grace, object, user, groups)
            .await
            .unwrap_err();
        assert!(message.contains(expected), "{user:?} {groups:?}: {message}");
    }
}

async fn author_can_only_claim_their_own_name(stage: &Stage) {
    section("a workflow names the requester as its author, or no author");
    admits_only_true_claims(stage, &workflow(stage, "o")).await;
    let mut original = workflow(stage, "hers");
    annotate(
        &mut original,
        &json!({AUTHOR_ANNOTATION: "ada", AUTHOR_GROUPS_ANNOTATION: TEAM}),
    );
    let original = create_stored(&stage.ada, &original).await;
    assert_eq!(annotation(&original, AUTHOR_GROUPS_ANNOTATION), Some(TEAM));
    let stolen =
        |object: &mut Value| object["metadata"]["annotations"][AUTHOR_ANNOTATION] = json!("grace");
    assert_change_refused(&stage.grace, &original, "", stolen, "cannot be changed").await;
    let rewritten = |object: &mut Value| object["spec"]["description"] = json!("by grace");
    assert_change_refused(
        &stage.grace,
        &original,
        "",
        rewritten,
        "must name the requester `grace`",
    )
    .await;
    let taken_over = |object: &mut Value| {
        object["spec"]["description"] = json!("by grace");
        object["metadata"]["annotations"] = json!({AUTHOR_ANNOTATION: "grace"});
    };
    for now in assert_change_admitted(&stage.grace, &original, "", taken_over).await {
        assert_eq!(annotation(&now, AUTHOR_ANNOTATION), Some("grace"));
    }
    let mut on_behalf = workflow(stage, "o");
    annotate(
        &mut on_behalf,
        &json!({ON_BEHALF_OF_ANNOTATION: "ada", AUTHOR_ANNOTATION: "ada"}),
    );
    assert_refused(
        &stage.grace,
        &on_behalf,
        "`grace` may not impersonate `ada`",
    )
    .await;
}

async fn run_can_only_claim_its_own_user(stage: &Stage) {
    section("a run names the requester as its user, or no user");
    for (number, mut run) in stage.runs().into_iter().enumerate() {
        admits_only_true_claims(stage, &run).await;
        run["metadata"]["name"] = json!(format!("run-{number}"));
        let unnamed = create_stored(&stage.grace, &run).await;
        for client in [&stage.grace, &stage.engine] {
            let late = |object: &mut Value| annotate(object, &json!({RUN_BY_ANNOTATION: "grace"}));
            assert_change_refused(client, &unnamed, "", late, "cannot be").await;
        }
        run["metadata"]["name"] = json!(format!("named-{number}"));
        annotate(
            &mut run,
            &json!({RUN_BY_ANNOTATION: "grace", RUN_BY_GROUPS_ANNOTATION: TEAM}),
        );
        let named = create_stored(&stage.grace, &run).await;
        let changes: [fn(&mut Value); 3] = [
            |object| object["metadata"]["annotations"] = json!({}),
            |object| object["metadata"]["annotations"][RUN_BY_ANNOTATION] = json!("ada"),
            |object| object["metadata"]["annotations"][RUN_BY_GROUPS_ANNOTATION] = json!(""),
        ];
        for change in changes {
            for client in [&stage.grace, &stage.ada, &stage.engine] {
                assert_change_refused(client, &named, "", change, "cannot be").await;
            }
        }
    }
}

async fn run_without_user_gets_no_secret(stage: &Stage) {
    section("a Pod of a run without a user gets no Secret of a user");
    stage
        .gate(json!({"userSecrets": {SECRET: {"user": "ada"}}}))
        .await;
    let spec = json!({"containers": [{"name": "main", "image": "i",
        "envFrom": [{"secretRef": {"name": SECRET}}]}]});
    assert_refused(
        &stage.engine,
        &stage.pod_of(None, &spec),
        "was started by an unknown user",
    )
    .await;
    assert_admitted(&stage.engine, &stage.pod_of(Some(("ada", "")), &spec)).await;
}

fn workflow(stage: &Stage, name: &str) -> Value {
    let spec = json!({"steps": [{"name": "train", "image": "i"}]});
    stage.object(REGISTRY, "Workflow", name, spec)
}
