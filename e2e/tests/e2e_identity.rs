//! Credentials of one user with a running operator: whose a workflow is, whose Secret is rendered and
//! listed, and what becomes of it when the author, the groups or the record change.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/people.rs"]
mod people;
mod support;

use extension_registry_api::{
    AUTHOR_ANNOTATION, AUTHOR_GROUPS_ANNOTATION, ON_BEHALF_OF_ANNOTATION, USER_SECRETS_LABEL,
};
use identity::{
    ENGINE, PROJECT, ROBOT, TEAM, gate, held, listed, patch_as, pod, revision, run, secret_of,
    start_users, user_workflow,
};
use kube::Client;
use kube::api::PostParams;
use people::{create, create_dry, person};
use serde_json::{Value, json};
use support::{Lab, eventually, message, record, section, workflow};

struct Users {
    ada: Client,
    grace: Client,
    robot: Client,
    engine: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_a_user_are_for_that_user() {
    let lab = start_users("identity").await;
    let users = Users {
        ada: person(&lab.cluster, "ada", &[TEAM]),
        grace: person(&lab.cluster, "grace", &[TEAM]),
        robot: person(&lab.cluster, ROBOT, &[TEAM]),
        engine: person(&lab.cluster, ENGINE, &["system:masters"]),
    };
    let secret = a_workflow_resolves_for_its_author(&lab, &users).await;
    a_stamp_is_not_forged_copied_or_removed(&lab, &users).await;
    the_secret_is_for_runs_of_the_user(&users, &secret).await;
    a_changed_spec_has_another_author(&lab, &users, &secret).await;
    on_behalf_of_another(&lab, &users, &secret).await;
    groups_are_those_of_the_run(&lab, &users).await;
    the_list_follows_the_record(&lab, &users, &secret).await;
    a_revoked_user_loses_the_secret_and_its_entry(&lab, &secret).await;
    lab.stop().await;
}

async fn applied(client: &Client, object: &Value) {
    create(client, object, &PostParams::default())
        .await
        .unwrap();
}

async fn a_workflow_resolves_for_its_author(lab: &Lab, users: &Users) -> String {
    section("a workflow resolves for the author of its spec");
    applied(&users.ada, &user_workflow("hers")).await;
    let hers = lab.ready(PROJECT, "hers").await;
    assert_eq!(hers["status"]["runAs"], json!({"user": "ada"}));
    let secret = secret_of(&hers);
    assert!(secret.starts_with("ext-u-"), "{secret}");
    let projection = lab.get("ExtensionProjection", PROJECT, &secret).await;
    assert_eq!(projection["spec"]["user"], "ada");
    let pipeline = lab.get("Pipeline", PROJECT, "hers").await;
    assert_eq!(pipeline["metadata"]["labels"][USER_SECRETS_LABEL], "true");

    section(
        "the user is listed before the Secret exists, and the Secret before the workflow is ready",
    );
    let gate = gate(lab).await;
    let entry = json!({"user": "ada", "serviceAccounts": [ROBOT]});
    assert_eq!(gate["spec"], json!({"userSecrets": {&secret: entry}}));
    let rendered = lab.get("Secret", PROJECT, &secret).await;
    assert!(revision(&gate) < revision(&rendered));
    assert!(revision(&rendered) < revision(&hers));

    section("another author has no access, and learns nothing about the first");
    applied(&users.grace, &user_workflow("not-hers")).await;
    let refused = lab.refused(PROJECT, "not-hers", "NoAccess").await;
    assert!(
        message(&refused).contains("on behalf of its author `grace`"),
        "{}",
        message(&refused)
    );
    assert!(!message(&refused).contains("ada"), "{}", message(&refused));
    secret
}

async fn a_stamp_is_not_forged_copied_or_removed(lab: &Lab, users: &Users) {
    section("a copied or forged stamp gives no access");
    let hers = lab.get("Workflow", PROJECT, "hers").await;
    let mut copied = user_workflow("copied");
    copied["metadata"]["annotations"] = hers["metadata"]["annotations"].clone();
    applied(&users.grace, &copied).await;
    lab.refused(PROJECT, "copied", "NoAccess").await;
    let gate = gate(lab).await;
    assert_eq!(gate["spec"]["userSecrets"].as_object().unwrap().len(), 1);

    section("metadata alone does not move the author");
    let none = Value::Null;
    for metadata in [
        json!({"labels": {"seen-by": "grace"}}),
        json!({"annotations": {AUTHOR_ANNOTATION: "grace", AUTHOR_GROUPS_ANNOTATION: "x"}}),
        json!({"annotations": {AUTHOR_ANNOTATION: none, AUTHOR_GROUPS_ANNOTATION: none}}),
    ] {
        patch_as(&users.grace, "hers", json!({"metadata": metadata})).await;
    }
    lab.settled(&["Workflow", "RunGate"]).await;
    let now = lab.ready(PROJECT, "hers").await;
    let annotations = &now["metadata"]["annotations"];
    assert_eq!(annotations[AUTHOR_ANNOTATION], "ada");
    assert_eq!(now["status"], hers["status"]);
    assert_eq!(self::gate(lab).await, gate);
}

async fn the_secret_is_for_runs_of_the_user(users: &Users, secret: &str) {
    section("anybody may start a run, but only Pods of runs of the user get the Secret");
    for client in [&users.ada, &users.grace, &users.robot] {
        create_dry(client, &run("hers")).await.unwrap();
    }
    for user in ["ada", ROBOT] {
        create_dry(&users.engine, &pod(secret, user, ""))
            .await
            .unwrap();
    }
    let said = create_dry(&users.engine, &pod(secret, "grace", ""))
        .await
        .unwrap_err();
    let expected =
        format!("Secret `{secret}` belongs to `ada`, and this run was started by `grace`");
    assert!(said.contains(&expected), "{said}");
    assert!(said.contains("hint: let that user start the run"), "{said}");
    for client in [&users.ada, &users.grace] {
        let said = create_dry(client, &pod(secret, "ada", ""))
            .await
            .unwrap_err();
        assert!(said.contains("only Pods of that user's runs"), "{said}");
    }
}

async fn a_changed_spec_has_another_author(lab: &Lab, users: &Users, secret: &str) {
    section("a workflow that another user changes no longer resolves for the first");
    applied(&users.ada, &user_workflow("handed-over")).await;
    lab.ready(PROJECT, "handed-over").await;
    patch_as(
        &users.grace,
        "handed-over",
        json!({"spec": {"description": "mine now"}}),
    )
    .await;
    lab.refused(PROJECT, "handed-over", "NoAccess").await;
    assert_eq!(held(lab).await["handed-over"], "NoAccess");
    eventually_refused(&users.ada, "handed-over", "(NoAccess)").await;
    patch_as(
        &users.ada,
        "handed-over",
        json!({"spec": {"description": "mine again"}}),
    )
    .await;
    lab.ready(PROJECT, "handed-over").await;
    assert!(held(lab).await["handed-over"].is_null());
    eventually(std::time::Duration::from_secs(10), "it runs", async || {
        create_dry(&users.ada, &run("handed-over")).await
    })
    .await;

    section("each author has a Secret of their own");
    let linus = person(&lab.cluster, "linus", &[TEAM]);
    applied(
        &users.ada,
        &workflow(PROJECT, "shared", &json!({"product": "shared"})),
    )
    .await;
    let before = secret_of(&lab.ready(PROJECT, "shared").await);
    patch_as(
        &linus,
        "shared",
        json!({"spec": {"description": "by linus"}}),
    )
    .await;
    let after = lab
        .until(
            ("Workflow", PROJECT, "shared"),
            "resolves for linus",
            |object| object["status"]["runAs"]["user"] == "linus",
        )
        .await;
    let after = secret_of(&after);
    assert_ne!(before, after);
    let listed = listed(lab).await;
    assert_eq!(listed[&after]["user"], "linus");
    assert_eq!(listed[&before]["user"], "ada", "kept for the grace period");
    assert_eq!(listed[secret]["user"], "ada");
}

async fn eventually_refused(client: &Client, pipeline: &str, reason: &str) {
    eventually(
        std::time::Duration::from_secs(10),
        "it is on hold",
        async || match create_dry(client, &run(pipeline)).await {
            Err(said) if said.contains(reason) && said.contains("is on hold") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn on_behalf_of_another(lab: &Lab, users: &Users, secret: &str) {
    section("on behalf of another user, where the verb impersonate is granted");
    let mut object = user_workflow("for-ada");
    object["metadata"]["annotations"] = json!({ON_BEHALF_OF_ANNOTATION: "ada"});
    let said = create_dry(&users.grace, &object).await.unwrap_err();
    assert!(said.contains("`grace` may not impersonate `ada`"), "{said}");
    let role = [
        "create",
        "clusterrole",
        "act-for-ada",
        "--verb=impersonate",
        "--resource=users",
        "--resource-name=ada",
    ];
    lab.cluster.kubectl_run(&role).unwrap();
    let binding = [
        "create",
        "clusterrolebinding",
        "act-for-ada",
        "--clusterrole=act-for-ada",
        "--user=grace",
    ];
    lab.cluster.kubectl_run(&binding).unwrap();
    eventually(
        std::time::Duration::from_secs(10),
        "grace may",
        async || create(&users.grace, &object, &PostParams::default()).await,
    )
    .await;
    let bound = lab.ready(PROJECT, "for-ada").await;
    assert_eq!(bound["status"]["runAs"]["user"], "ada");
    assert_eq!(secret_of(&bound), secret);
    let removed = json!({"metadata": {"annotations": {ON_BEHALF_OF_ANNOTATION: null}}});
    patch_as(&users.grace, "for-ada", removed).await;
    lab.refused_again(PROJECT, "for-ada", "NoAccess").await;
    eventually_refused(&users.grace, "for-ada", "(NoAccess)").await;
}

async fn groups_are_those_of_the_run(lab: &Lab, users: &Users) {
    section("where a group admits the user, the run has to list it");
    let mut by_group = record("by-group", &json!([{"name": "all"}]));
    by_group["spec"]["access"] = json!({"groups": ["analysts, eu", "others"]});
    lab.apply(&by_group).await;
    let linus = person(&lab.cluster, "linus", &["analysts, eu", TEAM]);
    applied(
        &linus,
        &workflow(PROJECT, "by-group", &json!({"product": "by-group"})),
    )
    .await;
    let secret = secret_of(&lab.ready(PROJECT, "by-group").await);
    let entry = json!({"user": "linus", "groups": ["analysts, eu", "others"]});
    assert_eq!(listed(lab).await[&secret], entry);
    for groups in ["analysts, eu", "others", "x\nothers"] {
        create_dry(&users.engine, &pod(&secret, "linus", groups))
            .await
            .unwrap();
    }
    for groups in ["", "x", "analysts"] {
        let said = create_dry(&users.engine, &pod(&secret, "linus", groups))
            .await
            .unwrap_err();
        assert!(
            said.contains("who is not a member of a group that may use it"),
            "{said}"
        );
    }

    section("a workflow that another user changes leaves the Secret unused, for the grace period");
    let rewrite = |text: &str| json!({"spec": {"description": text}});
    lab.settled(&["ExtensionProjection", "Workflow"]).await;
    patch_as(&users.grace, "by-group", rewrite("by grace")).await;
    lab.refused(PROJECT, "by-group", "NotFound").await;
    let projection = ("ExtensionProjection", PROJECT, secret.as_str());
    lab.until(projection, "is unused", |object| {
        object["status"]["consumers"] == 0 && object["status"]["unusedSince"].is_string()
    })
    .await;
    assert!(lab.get("Secret", PROJECT, &secret).await.is_object());
    assert_eq!(
        listed(lab).await[&secret],
        entry,
        "a run that goes on keeps it"
    );

    section("who left the group loses the Secret and its entry with the next spec that they write");
    let left = person(&lab.cluster, "linus", &[TEAM]);
    lab.settled(&["ExtensionProjection", "Workflow"]).await;
    patch_as(&left, "by-group", rewrite("by linus again")).await;
    lab.gone("Secret", PROJECT, &secret).await;
    lab.gone("ExtensionProjection", PROJECT, &secret).await;
    lab.until(
        ("RunGate", PROJECT, "extension-registry"),
        "no longer lists it",
        |gate| gate["spec"]["userSecrets"][&secret].is_null(),
    )
    .await;
}

async fn the_list_follows_the_record(lab: &Lab, users: &Users, secret: &str) {
    section("an account or a group that the record no longer lists is no longer listed");
    let mut record = identity::user_record();
    record["spec"]["access"] = json!({"groups": ["staff"], "users": ["ada"]});
    record["spec"]["services"][0]["credentials"][0]["user"] = json!(["ada"]);
    lab.apply(&record).await;
    let until = async |entry: Value| {
        lab.until(
            ("RunGate", PROJECT, "extension-registry"),
            "follows the record",
            |gate| gate["spec"]["userSecrets"][secret] == entry,
        )
        .await
    };
    until(json!({"user": "ada"})).await;
    let patience = std::time::Duration::from_secs(10);
    eventually(patience, "the robot is refused", async || match create_dry(
        &users.engine,
        &pod(secret, ROBOT, ""),
    )
    .await
    {
        Err(said) if said.contains("belongs to `ada`") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    create_dry(&users.engine, &pod(secret, "ada", ""))
        .await
        .unwrap();
    lab.apply(&identity::user_record()).await;
    until(json!({"user": "ada", "serviceAccounts": [ROBOT]})).await;
}

async fn a_revoked_user_loses_the_secret_and_its_entry(lab: &Lab, secret: &str) {
    section("a user who is taken off the list loses Secret, projection and entry");
    let mut record = identity::user_record();
    record["spec"]["services"][0]["credentials"][0]["user"] = json!(["grace"]);
    lab.apply(&record).await;
    lab.gone("Secret", PROJECT, secret).await;
    lab.gone("ExtensionProjection", PROJECT, secret).await;
    lab.refused_again(PROJECT, "hers", "NoAccess").await;
    let gate = lab
        .until(
            ("RunGate", PROJECT, "extension-registry"),
            "no longer lists it",
            |gate| gate["spec"]["userSecrets"][secret].is_null(),
        )
        .await;
    assert_eq!(gate["spec"]["heldPipelines"]["hers"], "NoAccess");
}
