//! Credentials of one user with a running operator: the author of a workflow, the rendered and listed Secret,
//! and changes of the author, the groups or the record.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/identity.rs"]
mod identity;
mod support;
#[path = "support/users.rs"]
mod users;

use extension_registry_api::{
    AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION, ON_BEHALF_OF_ANNOTATION, USER_SECRETS_LABEL,
};
use identity::{
    ENGINE, PROJECT, ROBOT, TEAM, gate, held, listed, patch_as, pod, revision, run, secret_of,
    start_users, user_workflow,
};
use kube::Client;
use kube::api::PostParams;
use serde_json::{Value, json};
use support::{TestEnv, eventually, message, record, section, workflow};
use users::{create, create_dry, impersonate};

struct Users {
    ada: Client,
    grace: Client,
    robot: Client,
    engine: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn user_credentials_are_only_for_that_user() {
    let env = start_users("identity").await;
    let users = Users {
        ada: impersonate(&env.cluster, "ada", &[TEAM]),
        grace: impersonate(&env.cluster, "grace", &[TEAM]),
        robot: impersonate(&env.cluster, ROBOT, &[TEAM]),
        engine: impersonate(&env.cluster, ENGINE, &["system:masters"]),
    };
    let secret = workflow_resolves_for_its_author(&env, &users).await;
    stamp_cannot_be_forged_copied_or_removed(&env, &users).await;
    secret_is_only_for_runs_of_the_user(&users, &secret).await;
    changed_spec_has_a_new_author(&env, &users, &secret).await;
    on_behalf_of_another_user(&env, &users, &secret).await;
    run_must_list_the_group(&env, &users).await;
    run_gate_follows_the_record(&env, &users, &secret).await;
    revoked_user_loses_secret_and_entry(&env, &secret).await;
    env.stop().await;
}

async fn create_as(client: &Client, object: &Value) {
    create(client, object, &PostParams::default())
        .await
        .unwrap();
}

async fn workflow_resolves_for_its_author(env: &TestEnv, users: &Users) -> String {
    section("a workflow resolves for the author of its spec");
    create_as(&users.ada, &user_workflow("hers")).await;
    let ada_workflow = env.wait_until_ready(PROJECT, "hers").await;
    assert_eq!(ada_workflow["status"]["runAs"], json!({"user": "ada"}));
    let secret = secret_of(&ada_workflow);
    assert!(secret.starts_with("ext-u-"), "{secret}");
    let projection = env.get("ExtensionProjection", PROJECT, &secret).await;
    assert_eq!(projection["spec"]["user"], "ada");
    let pipeline = env.get("Pipeline", PROJECT, "hers").await;
    assert_eq!(pipeline["metadata"]["labels"][USER_SECRETS_LABEL], "true");

    section(
        "the user is listed before the Secret exists, and the Secret before the workflow is ready",
    );
    let gate = gate(env).await;
    let entry = json!({"user": "ada", "serviceAccounts": [ROBOT]});
    assert_eq!(gate["spec"], json!({"userSecrets": {&secret: entry}}));
    let rendered = env.get("Secret", PROJECT, &secret).await;
    assert!(revision(&gate) < revision(&rendered));
    assert!(revision(&rendered) < revision(&ada_workflow));

    section("another author has no access and no information about the first");
    create_as(&users.grace, &user_workflow("not-hers")).await;
    let refused = env
        .wait_until_refused(PROJECT, "not-hers", "NoAccess")
        .await;
    assert!(
        message(&refused).contains("on behalf of its author `grace`"),
        "{}",
        message(&refused)
    );
    assert!(!message(&refused).contains("ada"), "{}", message(&refused));
    secret
}

async fn stamp_cannot_be_forged_copied_or_removed(env: &TestEnv, users: &Users) {
    section("a copied or forged stamp gives no access");
    let ada_workflow = env.get("Workflow", PROJECT, "hers").await;
    let mut copied = user_workflow("copied");
    copied["metadata"]["annotations"] = ada_workflow["metadata"]["annotations"].clone();
    create_as(&users.grace, &copied).await;
    env.wait_until_refused(PROJECT, "copied", "NoAccess").await;
    let gate = gate(env).await;
    assert_eq!(gate["spec"]["userSecrets"].as_object().unwrap().len(), 1);

    section("changes of metadata do not change the author");
    let none = Value::Null;
    for metadata in [
        json!({"labels": {"seen-by": "grace"}}),
        json!({"annotations": {AUTHOR_ANNOTATION: "grace", AUTHOR_GROUPS_ANNOTATION: "x"}}),
        json!({"annotations": {AUTHOR_ANNOTATION: none, AUTHOR_GROUPS_ANNOTATION: none}}),
    ] {
        patch_as(&users.grace, "hers", json!({"metadata": metadata})).await;
    }
    env.wait_until_settled(&["Workflow", "RunGate"]).await;
    let now = env.wait_until_ready(PROJECT, "hers").await;
    let annotations = &now["metadata"]["annotations"];
    assert_eq!(annotations[AUTHOR_ANNOTATION], "ada");
    assert_eq!(now["status"], ada_workflow["status"]);
    assert_eq!(self::gate(env).await, gate);
}

async fn secret_is_only_for_runs_of_the_user(users: &Users, secret: &str) {
    section("any user may start a run, but only Pods of the user's runs get the Secret");
    for client in [&users.ada, &users.grace, &users.robot] {
        create_dry(client, &run("hers")).await.unwrap();
    }
    for user in ["ada", ROBOT] {
        // The policies observe the run gate with a delay.
        let what = format!("a Pod of {user} is admitted");
        eventually(support::TIMEOUT, &what, async || {
            create_dry(&users.engine, &pod(secret, user, "")).await
        })
        .await;
    }
    let message = create_dry(&users.engine, &pod(secret, "grace", ""))
        .await
        .unwrap_err();
    let expected =
        format!("Secret `{secret}` belongs to `ada`, and this run was started by `grace`");
    assert!(message.contains(&expected), "{message}");
    assert!(
        message.contains("hint: ask that user to start the run"),
        "{message}"
    );
    for client in [&users.ada, &users.grace] {
        let message = create_dry(client, &pod(secret, "ada", ""))
            .await
            .unwrap_err();
        assert!(
            message.contains("only Pods of that user's runs"),
            "{message}"
        );
    }
}

async fn changed_spec_has_a_new_author(env: &TestEnv, users: &Users, secret: &str) {
    section("a workflow no longer resolves for its first author after a change by another user");
    create_as(&users.ada, &user_workflow("handed-over")).await;
    env.wait_until_ready(PROJECT, "handed-over").await;
    patch_as(
        &users.grace,
        "handed-over",
        json!({"spec": {"description": "mine now"}}),
    )
    .await;
    env.wait_until_refused(PROJECT, "handed-over", "NoAccess")
        .await;
    assert_eq!(held(env).await["handed-over"], "NoAccess");
    eventually_refused(&users.ada, "handed-over", "(NoAccess)").await;
    patch_as(
        &users.ada,
        "handed-over",
        json!({"spec": {"description": "mine again"}}),
    )
    .await;
    env.wait_until_ready(PROJECT, "handed-over").await;
    assert!(held(env).await["handed-over"].is_null());
    eventually(support::TIMEOUT, "it runs", async || {
        create_dry(&users.ada, &run("handed-over")).await
    })
    .await;

    section("each author has a Secret of their own");
    let linus = impersonate(&env.cluster, "linus", &[TEAM]);
    create_as(
        &users.ada,
        &workflow(PROJECT, "shared", &json!({"product": "shared"})),
    )
    .await;
    let before = secret_of(&env.wait_until_ready(PROJECT, "shared").await);
    patch_as(
        &linus,
        "shared",
        json!({"spec": {"description": "by linus"}}),
    )
    .await;
    let after = env
        .wait_until(
            ("Workflow", PROJECT, "shared"),
            "resolves for linus",
            |object| object["status"]["runAs"]["user"] == "linus",
        )
        .await;
    let after = secret_of(&after);
    assert_ne!(before, after);
    let listed = listed(env).await;
    assert_eq!(listed[&after]["user"], "linus");
    assert_eq!(listed[&before]["user"], "ada", "kept for the grace period");
    assert_eq!(listed[secret]["user"], "ada");
}

async fn eventually_refused(client: &Client, pipeline: &str, reason: &str) {
    eventually(
        support::TIMEOUT,
        "it is on hold",
        async || match create_dry(client, &run(pipeline)).await {
            Err(message) if message.contains(reason) && message.contains("is on hold") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn on_behalf_of_another_user(env: &TestEnv, users: &Users, secret: &str) {
    section("on behalf of another user, if the verb impersonate is granted");
    let mut object = user_workflow("for-ada");
    object["metadata"]["annotations"] = json!({ON_BEHALF_OF_ANNOTATION: "ada"});
    let message = create_dry(&users.grace, &object).await.unwrap_err();
    assert!(
        message.contains("`grace` may not impersonate `ada`"),
        "{message}"
    );
    let role = [
        "create",
        "clusterrole",
        "act-for-ada",
        "--verb=impersonate",
        "--resource=users",
        "--resource-name=ada",
    ];
    env.cluster.kubectl_run(&role).unwrap();
    let binding = [
        "create",
        "clusterrolebinding",
        "act-for-ada",
        "--clusterrole=act-for-ada",
        "--user=grace",
    ];
    env.cluster.kubectl_run(&binding).unwrap();
    eventually(support::TIMEOUT, "grace may", async || {
        create(&users.grace, &object, &PostParams::default()).await
    })
    .await;
    let bound = env.wait_until_ready(PROJECT, "for-ada").await;
    assert_eq!(bound["status"]["runAs"]["user"], "ada");
    assert_eq!(secret_of(&bound), secret);
    let removed = json!({"metadata": {"annotations": {ON_BEHALF_OF_ANNOTATION: null}}});
    patch_as(&users.grace, "for-ada", removed).await;
    env.wait_until_refused_without_spec_change(PROJECT, "for-ada", "NoAccess")
        .await;
    eventually_refused(&users.grace, "for-ada", "(NoAccess)").await;
}

async fn run_must_list_the_group(env: &TestEnv, users: &Users) {
    section("a run must list the group that admits its user");
    let mut by_group = record("by-group", &json!([{"name": "all"}]));
    by_group["spec"]["access"] = json!({"groups": ["analysts, eu", "others"]});
    env.apply(&by_group).await;
    let linus = impersonate(&env.cluster, "linus", &["analysts, eu", TEAM]);
    create_as(
        &linus,
        &workflow(PROJECT, "by-group", &json!({"product": "by-group"})),
    )
    .await;
    let secret = secret_of(&env.wait_until_ready(PROJECT, "by-group").await);
    let entry = json!({"user": "linus", "groups": ["analysts, eu", "others"]});
    assert_eq!(listed(env).await[&secret], entry);
    for groups in ["analysts, eu", "others", "x\nothers"] {
        // The policies observe the run gate with a delay.
        let what = format!("a Pod with {groups:?} is admitted");
        eventually(support::TIMEOUT, &what, async || {
            create_dry(&users.engine, &pod(&secret, "linus", groups)).await
        })
        .await;
    }
    for groups in ["", "x", "analysts"] {
        let message = create_dry(&users.engine, &pod(&secret, "linus", groups))
            .await
            .unwrap_err();
        assert!(
            message.contains("who is not a member of a group that may use it"),
            "{message}"
        );
    }

    section("the Secret is unused after a change by another user, and kept for the grace period");
    let rewrite = |text: &str| json!({"spec": {"description": text}});
    env.wait_until_settled(&["ExtensionProjection", "Workflow"])
        .await;
    patch_as(&users.grace, "by-group", rewrite("by grace")).await;
    env.wait_until_refused(PROJECT, "by-group", "NotFound")
        .await;
    let projection = ("ExtensionProjection", PROJECT, secret.as_str());
    env.wait_until(projection, "is unused", |object| {
        object["status"]["consumers"] == 0 && object["status"]["unusedSince"].is_string()
    })
    .await;
    assert!(env.get("Secret", PROJECT, &secret).await.is_object());
    assert_eq!(
        listed(env).await[&secret],
        entry,
        "a run that goes on keeps it"
    );

    section("a user who left the group loses Secret and entry with their next change of the spec");
    let left = impersonate(&env.cluster, "linus", &[TEAM]);
    env.wait_until_settled(&["ExtensionProjection", "Workflow"])
        .await;
    patch_as(&left, "by-group", rewrite("by linus again")).await;
    env.wait_until_gone("Secret", PROJECT, &secret).await;
    env.wait_until_gone("ExtensionProjection", PROJECT, &secret)
        .await;
    env.wait_until(
        ("RunGate", PROJECT, "extension-registry"),
        "no longer lists it",
        |gate| gate["spec"]["userSecrets"][&secret].is_null(),
    )
    .await;
}

async fn run_gate_follows_the_record(env: &TestEnv, users: &Users, secret: &str) {
    section("an account or a group that the record no longer lists is no longer listed");
    let mut record = identity::user_record();
    record["spec"]["access"] = json!({"groups": ["staff"], "users": ["ada"]});
    record["spec"]["services"][0]["credentials"][0]["user"] = json!(["ada"]);
    env.apply(&record).await;
    let until = async |entry: Value| {
        env.wait_until(
            ("RunGate", PROJECT, "extension-registry"),
            "follows the record",
            |gate| gate["spec"]["userSecrets"][secret] == entry,
        )
        .await
    };
    until(json!({"user": "ada"})).await;
    eventually(
        support::TIMEOUT,
        "the robot is refused",
        async || match create_dry(&users.engine, &pod(secret, ROBOT, "")).await {
            Err(message) if message.contains("belongs to `ada`") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    create_dry(&users.engine, &pod(secret, "ada", ""))
        .await
        .unwrap();
    env.apply(&identity::user_record()).await;
    until(json!({"user": "ada", "serviceAccounts": [ROBOT]})).await;
}

async fn revoked_user_loses_secret_and_entry(env: &TestEnv, secret: &str) {
    section("a user who is removed from the list loses Secret, projection and entry");
    let mut record = identity::user_record();
    record["spec"]["services"][0]["credentials"][0]["user"] = json!(["grace"]);
    env.apply(&record).await;
    env.wait_until_gone("Secret", PROJECT, secret).await;
    env.wait_until_gone("ExtensionProjection", PROJECT, secret)
        .await;
    env.wait_until_refused_without_spec_change(PROJECT, "hers", "NoAccess")
        .await;
    let gate = env
        .wait_until(
            ("RunGate", PROJECT, "extension-registry"),
            "no longer lists it",
            |gate| gate["spec"]["userSecrets"][secret].is_null(),
        )
        .await;
    assert_eq!(gate["spec"]["heldPipelines"]["hers"], "NoAccess");
}
