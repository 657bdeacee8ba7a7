//! Who we are to a registry, from the files where people keep it to what the registry is shown: docker's
//! `identitytoken`, which only gets other tokens, and a token file.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod configured;
#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "../../package-repository/tests/quirk/mod.rs"]
mod quirk;

use axum::response::Response;
use configured::Machine;
use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::catalog::Catalog;
use extension_registry_packages::config::Environment;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::oci::Oci;
use extension_registry_packages::repository::{Error, Repository as _};
use quirk::{RecordedRequest, Server, answer, json, pairs, text};

/// What gets tokens, or is one.
const SECRET: &str = "a-long-secret";

/// A driver as the configuration of a machine makes it.
fn opened(machine: &Machine) -> Oci {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = machine.load();
    let environment = Environment::from_iter(machine.variables.clone());
    Catalog::oci(&config.repositories[0], &environment).unwrap()
}

/// A machine that has the registry as `hub`, with more keys.
fn machine(server: &Server, more: &str) -> Machine {
    let machine = Machine::new();
    let url = server.url("/extensions");
    machine.user(&format!(
        "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"{url}\"\nretry_count = 0\n{more}"
    ));
    machine
}

/// The same, where docker's file keeps a token that gets tokens.
fn with_identity(server: &Server, token: &str) -> Machine {
    let machine = machine(server, "");
    let host = server.host();
    // As `docker login` writes it: the password stands for nothing then.
    let auths = format!(
        r#"{{"auths":{{"{host}":{{"auth":"PHRva2VuPjpub25l","identitytoken":"{token}"}}}}}}"#
    );
    machine.write("home/.docker/config.json", &auths);
    machine
}

fn unauthorized(asked: &RecordedRequest) -> Response {
    let host = asked.header("host").unwrap();
    let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"the registry\"");
    answer(401, &[("www-authenticate", &challenge)], "")
}

/// Whether a token that was issued for these scopes lets somebody do what is asked.
fn allows(asked: &RecordedRequest, shown: &str) -> bool {
    let scope = shown.strip_prefix("Bearer for:");
    let wants = if matches!(asked.method.as_str(), "GET" | "HEAD") {
        "pull"
    } else {
        "push"
    };
    scope.is_some_and(|scope| {
        scope.split('|').any(|scope| {
            let (place, actions) = scope.rsplit_once(':').unwrap_or_default();
            let path = place.strip_prefix("repository:").unwrap_or_default();
            asked.path.starts_with(&format!("/v2/{path}/"))
                && actions.split(',').any(|action| action == wants)
        })
    })
}

/// A real registry that takes tokens of its service alone. That gives them for the token [`SECRET`], by `POST`.
async fn with_tokens() -> Server {
    Server::before(|asked| {
        if asked.path != "/token" {
            let shown = asked.header("authorization").unwrap_or_default();
            return (!allows(asked, shown)).then(|| unauthorized(asked));
        }
        let form = String::from_utf8_lossy(&asked.body).into_owned();
        let value = |name: &str| pairs(&form, name).pop().unwrap_or_default();
        let is_good = asked.method == "POST"
            && asked.header("content-type") == Some("application/x-www-form-urlencoded")
            && value("grant_type") == "refresh_token"
            && value("service") == "the registry"
            && !value("client_id").is_empty()
            && value("refresh_token") == SECRET;
        if !is_good {
            return Some(text(401, "no"));
        }
        let scope = value("scope").replace(' ', "|");
        Some(json(&format!(
            r#"{{"access_token":"for:{scope}","expires_in":300}}"#
        )))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_token_is_exchanged_once_per_scope() {
    let server = with_tokens().await;
    let driver = opened(&with_identity(&server, SECRET));
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    driver.publish(&upload, false, &Silent).await.unwrap();
    let release = driver.release("tool", &version("1.0.0")).await.unwrap();
    let came = fetched(&driver, &release, &bench.target("came")).await;
    assert_eq!(came, upload.digest);
    let asked = server.asked();
    let exchanged: Vec<String> = asked
        .iter()
        .filter(|one| one.path == "/token")
        .map(|one| pairs(&String::from_utf8_lossy(&one.body), "scope").join(" "))
        .collect();
    assert_eq!(
        exchanged,
        [
            "repository:extensions/tool:pull",
            "repository:extensions/tool:pull,push"
        ]
    );
    // It goes to the service, in the body, and nowhere else.
    for one in asked {
        let head = format!("{} {:?}", one.query, one.headers);
        assert!(!head.contains(SECRET), "{one:?}");
        assert!(one.path == "/token" || !String::from_utf8_lossy(&one.body).contains(SECRET));
    }
}

#[tokio::test]
async fn rejected_identity_token_error_hides_token() {
    let server = with_tokens().await;
    let driver = opened(&with_identity(&server, "an-old-secret"));
    let error = driver.versions("tool").await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    let line = error.explained();
    assert_eq!(line.lines().count(), 1);
    assert!(
        line.ends_with(
            "; hint: check the token: it may be invalid or expired, or lack permissions"
        ),
        "{line}"
    );
    assert!(!format!("{line} {error:?} {driver:?}").contains("an-old-secret"));
    assert_eq!(server.lines().last().unwrap(), "POST /token");
}

/// A real registry that takes one token, and would send others to a token service.
async fn with_one_token() -> Server {
    Server::before(|asked| {
        let shown = asked.header("authorization");
        (shown != Some(&format!("Bearer {SECRET}"))).then(|| unauthorized(asked))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_file_is_sent_as_bearer() {
    let server = with_one_token().await;
    let machine = machine(&server, "auth_token_path = \"token\"\n");
    machine.write("user/token", &format!("{SECRET}\n"));
    let driver = opened(&machine);
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    driver.publish(&upload, false, &Silent).await.unwrap();
    assert_eq!(driver.versions("tool").await.unwrap(), [version("1.0.0")]);
    let release = driver.release("tool", &version("1.0.0")).await.unwrap();
    let came = fetched(&driver, &release, &bench.target("came")).await;
    assert_eq!(came, upload.digest);
    let asked = server.asked();
    assert!(asked.iter().all(|one| one.path.starts_with("/v2/")));
    let shown = asked.iter().map(|one| one.header("authorization"));
    let wanted = format!("Bearer {SECRET}");
    assert!(
        shown.into_iter().all(|shown| shown == Some(&wanted)),
        "at the first request already"
    );
}

#[tokio::test]
async fn rejected_token_is_not_sent_again() {
    let server = with_one_token().await;
    let machine = machine(&server, "auth_token_path = \"token\"\n");
    machine.write("user/token", "another-secret");
    let driver = opened(&machine);
    let error = driver.versions("tool").await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    let line = error.explained();
    assert_eq!(line.lines().count(), 1);
    assert!(line.contains("check the token"), "{line}");
    assert!(!format!("{line} {error:?} {driver:?}").contains("another-secret"));
    assert_eq!(server.lines(), ["GET /v2/extensions/tool/tags/list"]);
}

/// What token services and registries write, in forms of their own.
#[tokio::test(flavor = "multi_thread")]
async fn reads_challenges_and_tokens_in_any_form() {
    let plain = r#"Bearer realm="REALM",service="the registry""#;
    let issued = r#"{"token":"TOKEN","expires_in":300}"#;
    for (challenge, body) in [
        (plain, issued),
        (
            r#"Bearer realm = "REALM" , service = "the registry""#,
            issued,
        ),
        ("bearer realm=REALM,service='the registry'", issued),
        (
            r#"Negotiate, Bearer realm="REALM", service="the registry""#,
            issued,
        ),
        (plain, r#"{"token":"TOKEN","expires_in":"300"}"#),
        (plain, r#"{"token":"TOKEN","expires_in":300.5}"#),
        (plain, r#"{"token":"TOKEN","expires_in":null}"#),
        (plain, r#"{"token":"TOKEN","expires_in":-1}"#),
        (plain, r#"{"token":"","access_token":"TOKEN"}"#),
        (
            plain,
            r#"{"token":null,"access_token":"TOKEN","issued_at":5}"#,
        ),
        (plain, r#"{"access_token":" TOKEN\n"}"#),
    ] {
        let server = Server::before(move |asked| {
            if asked.path == "/token" {
                let service = asked.parameter("service");
                let is_named = service.as_deref() == Some("the registry");
                return Some(if is_named {
                    json(&body.replace("TOKEN", SECRET))
                } else {
                    text(400, "which service?")
                });
            }
            let shown = asked.header("authorization");
            let realm = format!("http://{}/token", asked.header("host").unwrap());
            let challenge = challenge.replace("REALM", &realm);
            (shown != Some(&format!("Bearer {SECRET}")))
                .then(|| answer(401, &[("www-authenticate", &challenge)], ""))
        })
        .await;
        let driver = opened(&machine(&server, ""));
        let versions = driver.versions("tool").await;
        assert!(versions.is_ok(), "{challenge} {body}: {versions:?}");
    }
}
