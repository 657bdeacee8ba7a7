//! What `test-oci` makes of a registry that lets somebody in and then does not do what is asked.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod quirk;

use extension_registry_package_repository::oci::{Check, Class, Outcome, Step};
use quirk::{Server, answer, text};

/// The steps at a registry that answers so where a path has a part, and works else.
async fn checked(part: &'static str, status: u16) -> Vec<Check> {
    let server =
        Server::before(move |asked| asked.path.contains(part).then(|| text(status, "no"))).await;
    server.driver().check().await
}

fn failures(steps: &[Check]) -> Vec<(Step, Option<Class>)> {
    let failed = steps.iter().filter(|one| one.outcome == Outcome::Fail);
    failed.map(|one| (one.step, one.class)).collect()
}

#[tokio::test]
async fn denial_at_any_step_is_credential_failure() {
    for (part, step) in [
        ("/tags/list", Step::Tags),
        ("/_oci/ext/discover", Step::Discover),
        ("/referrers/", Step::Referrers),
    ] {
        for status in [401, 403] {
            let steps = checked(part, status).await;
            assert_eq!(
                failures(&steps),
                [(step, Some(Class::Credentials))],
                "{status}: {steps:#?}"
            );
            let failed = steps.iter().find(|one| one.step == step).unwrap();
            assert!(failed.advice.contains("log in"), "{failed:?}");
        }
        // The same step fails for another reason.
        if step != Step::Referrers {
            let steps = checked(part, 500).await;
            assert_eq!(failures(&steps), [(step, Some(Class::Protocol))]);
        }
    }
}

/// Where nobody looked at the credentials, they are not what is wrong.
#[tokio::test]
async fn failed_token_service_is_not_credential_failure() {
    let server = Server::of(|asked| {
        let host = asked.header("host").unwrap();
        if asked.path == "/token" {
            return Some(text(500, "no"));
        }
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"r\"");
        Some(answer(401, &[("www-authenticate", &challenge)], ""))
    })
    .await;
    let steps = server.driver().check().await;
    assert_eq!(failures(&steps), [(Step::Auth, Some(Class::Protocol))]);
    let failed = steps.iter().find(|one| one.step == Step::Auth).unwrap();
    assert_eq!(failed.advice, "contact the administrator of the registry");
}

#[tokio::test]
async fn passed_step_has_no_class() {
    let steps = Server::registry().await.driver().check().await;
    assert_eq!(failures(&steps), []);
    assert!(steps.iter().all(|one| one.class.is_none()), "{steps:?}");
}
