//! The policies on requests to the engine's resolvers. No operator runs.

#[path = "support/changes.rs"]
mod changes;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/users.rs"]
mod users;

use changes::{assert_change_admitted, assert_change_refused};
use extension_registry_e2e::skip_part;
use policies::{
    Outcome, SECRET, Stage, assert_admitted, assert_refused, create_stored, dry_create, section,
};
use serde_json::{Value, json};

const PROJECT: &str = "request-policies";
const RESOLVER: &str =
    "system:serviceaccount:tekton-pipelines-resolvers:tekton-pipelines-resolvers";

#[tokio::test(flavor = "multi_thread")]
async fn only_the_engine_uses_resolution_requests() {
    let stage = Stage::start(PROJECT).await;
    resolvers_cannot_read_user_secrets(&stage).await;
    only_the_engine_writes_resolution_results(&stage).await;
    stage.stop().await;
}

async fn resolvers_cannot_read_user_secrets(stage: &Stage) {
    section("no resolver of the engine reads the Secret for a request");
    let versions = [
        "resolution.tekton.dev/v1beta1",
        "resolution.tekton.dev/v1alpha1",
    ];
    let lists = |name: &str, value: &Value| json!({"params": [{"name": "url", "value": "https://example.org"}, {"name": name, "value": value}]});
    let specs = |value: &str| {
        [
            lists("http-password-secret", &json!(value)),
            lists("token", &json!(value)),
            lists("token", &json!([value])),
            lists("token", &json!({"name": value})),
            json!({"params": {"token": value}}),
        ]
    };
    for version in versions {
        let request = |spec: Value| stage.object(version, "ResolutionRequest", "r", spec);
        if let Err(message) = is_served(dry_create(&stage.engine, &request(json!({}))).await) {
            skip_part(&format!("requests of {version}"), &message);
            continue;
        }
        for spec in specs(SECRET) {
            for client in [&stage.engine, &stage.grace, &stage.admin] {
                let expected = "is not available to resolvers";
                assert_refused(client, &request(spec.clone()), expected).await;
            }
        }
        for spec in specs("another")
            .into_iter()
            .chain(specs("https://example.org/next-u-net"))
        {
            assert_admitted(&stage.engine, &request(spec)).await;
        }
    }
    let request = stage.object(
        versions[0],
        "ResolutionRequest",
        "later",
        specs("another")[1].clone(),
    );
    let request = create_stored(&stage.engine, &request).await;
    let turned = |request: &mut Value| request["spec"]["params"][1]["value"] = json!(SECRET);
    assert_change_refused(
        &stage.grace,
        &request,
        "",
        turned,
        "is not available to resolvers",
    )
    .await;
}

/// The engine finds the request of a run by its name, and executes the content of its status.
async fn only_the_engine_writes_resolution_results(stage: &Stage) {
    section("only the engine creates requests to resolvers, and only resolvers answer them");
    let only = "only the pipeline engine and its resolvers can write ResolutionRequests";
    let resolver = users::impersonate(&stage.cluster, RESOLVER, &["system:masters"]);
    let version = "resolution.tekton.dev/v1beta1";
    let spec = json!({"params": [{"name": "name", "value": "train"}]});
    let request = stage.object(version, "ResolutionRequest", "expected", spec);
    for client in [&stage.ada, &stage.grace, &stage.operator, &stage.admin] {
        assert_refused(client, &request, only).await;
    }
    let request = create_stored(&stage.engine, &request).await;
    let answer = |request: &mut Value| request["status"] = json!({"data": "e30="});
    let change = |request: &mut Value| request["spec"]["params"][0]["value"] = json!("other");
    for client in [&stage.grace, &stage.operator, &stage.admin] {
        assert_change_refused(client, &request, "", change, only).await;
        assert_change_refused(client, &request, "status", answer, only).await;
    }
    assert_change_admitted(&resolver, &request, "status", answer).await;
    assert_change_admitted(&stage.grace, &request, "", |request| {
        request["metadata"]["labels"] = json!({"team": "a"});
    })
    .await;
}

fn is_served(outcome: Outcome) -> Result<(), String> {
    match outcome {
        Err(message) if message.contains("404") => Err("not served here".to_owned()),
        _ => Ok(()),
    }
}
