//! Tests of `kubectl ext package` with a registry over http, between two machines.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use machine::{Machine, Output, another, trust, with};
use registry::quirk::{self, RecordedRequest};
use registry::{BASIC, Registry, unless_shown};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn pulls_package_published_to_registry_by_another_machine() {
    let registry = Registry::real();
    let machine = with(&registry.repository("hub", ""));
    let folder = machine.package("mlflow", "1.2.0", "");
    let published = machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
    let digest = published.lines().nth(1).unwrap();
    let other = another(&machine);
    let listed = other.ext(&["package", "list", "-o", "name"]).fine();
    assert_eq!(listed, "mlflow\n");
    let pulled = other
        .ext(&["package", "pull", "mlflow", "--to", "out"])
        .fine();
    assert_eq!(
        pulled.lines().next().unwrap(),
        format!("mlflow 1.2.0 pulled, {digest}")
    );
    let bytes = fs::read(other.path("work/out/mlflow-1.2.0.tar.gz")).unwrap();
    let content = extension_registry_packages::Digest::of(&bytes).to_string();
    assert_eq!(digest, format!("sha256:{content}"));
    let loaded = other
        .ext(&["package", "load", "mlflow", "--offline", "-o", "json"])
        .fine();
    assert_eq!(json(&loaded)["signedBy"][0], "me");
    assert_eq!(json(&loaded)["source"], "hub");
    assert_eq!(json(&loaded)["digest"], content);
}

/// A registry that lets only `me` in.
fn guarded() -> Registry {
    Registry::before(|asked| unless_shown(asked, BASIC, "Basic realm=\"registry\""))
}

/// Writes a token file that nobody else can read, and gives the key that names it.
fn token_file(machine: &Machine, text: &str) -> String {
    let path = machine.path("token");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("auth_token_path = \"{}\"\n", path.display())
}

/// One sentence says what is wrong; below it are ways out, and nowhere a password.
#[track_caller]
fn is_one_clear_line(output: &Output, level: &str) {
    let Output { out, err, .. } = output;
    let (first, hints) = err.split_once('\n').unwrap();
    assert!(first.starts_with(level), "{err}");
    assert!(hints.lines().count() > 0, "{err}");
    assert!(
        hints.lines().all(|line| line.starts_with("  hint: ")),
        "{err}"
    );
    for secret in ["a-bad-word", "bWU6YS1iYWQtd29yZA"] {
        assert!(!format!("{out}{err}").contains(secret), "{out}{err}");
    }
}

#[test]
fn token_file_authenticates_and_wrong_password_is_one_error() {
    let registry = guarded();
    let machine = with("");
    let token = token_file(&machine, "me:a-good-word\n");
    let repository = registry.repository("hub", &token);
    machine.configure(&format!("{repository}{}", trust(&machine)));
    machine.publish("mlflow", "1.2.0", "");
    machine.ext(&["package", "pull", "mlflow"]).fine();
    token_file(&machine, "me:a-bad-word\n");
    let folder = machine.package("mlflow", "1.3.0", "");
    for asking in [
        &["pull", "mlflow"][..],
        &["pull", "mlflow", "--with-deps"],
        &["load", "mlflow", "--force"],
        &["info", "mlflow"],
        &["publish", &folder],
        &["publish", &folder, "--dry-run"],
        &["sign", "mlflow", "--version", "1.2.0", "--key", "me.key"],
        &["delete", "mlflow", "1.2.0", "--yes"],
    ] {
        let output = machine.ext(&[&["package"], asking].concat());
        assert_eq!(output.code, 1, "{asking:?}: {}", output.err);
        is_one_clear_line(&output, "error: ");
        assert!(output.err.contains("hub"), "{}", output.err);
    }
    for listing in [
        &["list", "--refresh"][..],
        &["search", "flow"],
        &["versions", "mlflow"],
    ] {
        let output = machine.ext(&[&["package"], listing].concat());
        assert_eq!(output.code, 5, "{listing:?}: {}", output.err);
        is_one_clear_line(&output, "warning: ");
    }
}

#[test]
fn login_grants_access_until_logout() {
    let registry = guarded();
    let machine = with(&registry.repository("hub", ""));
    let folder = machine.package("mlflow", "1.2.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let refused = machine.ext(&publish).wrong(1);
    assert!(
        refused.contains("hint: log in with `kubectl ext package login`"),
        "{refused}"
    );
    let host = registry.host();
    let login = ["package", "login", &host, "-u", "me", "--password-stdin"];
    machine.ext_with(&login, "a-good-word\n").fine();
    machine.ext(&publish).fine();
    machine.ext(&["package", "logout", &host]).fine();
    machine.ext(&["package", "pull", "mlflow"]).wrong(1);
}

#[test]
fn token_is_sent_as_bearer() {
    let registry = Registry::before(|asked| {
        unless_shown(
            asked,
            "Bearer a-token",
            "Bearer realm=\"http://127.0.0.1:9/token\"",
        )
    });
    let machine = with("");
    let token = token_file(&machine, "a-token\n");
    let repository = registry.repository("hub", &token);
    machine.configure(&format!("{repository}{}", trust(&machine)));
    machine.publish("mlflow", "1.2.0", "");
    machine.ext(&["package", "pull", "mlflow"]).fine();
    token_file(&machine, "a-bad-word\n");
    let output = machine.ext(&["package", "info", "mlflow"]);
    assert_eq!(output.code, 1, "{}", output.err);
    is_one_clear_line(&output, "error: ");
    assert!(output.err.contains("check the token"), "{}", output.err);
}

/// A registry that sends everybody to its token service, which knows `me`.
fn with_a_token_service(asked: &RecordedRequest) -> Option<axum::response::Response> {
    if asked.path != "/token" {
        let realm = asked.header("host").unwrap_or_default();
        let challenge = format!("Bearer realm=\"http://{realm}/token\",service=\"hub\"");
        return unless_shown(asked, "Bearer issued", &challenge);
    }
    let refused = unless_shown(asked, BASIC, "Basic realm=\"tokens\"");
    refused.or_else(|| Some(quirk::json("{\"token\":\"issued\"}")))
}

#[test]
fn password_goes_to_token_service_and_token_to_registry() {
    let registry = Registry::before(with_a_token_service);
    let machine = with("");
    let token = token_file(&machine, "me:a-good-word\n");
    let repository = registry.repository("hub", &token);
    machine.configure(&format!("{repository}{}", trust(&machine)));
    machine.publish("mlflow", "1.2.0", "");
    machine.ext(&["package", "pull", "mlflow"]).fine();
    let asked = registry.asked();
    let shown = |of: &RecordedRequest| of.header("authorization").map(str::to_owned);
    let at_service = asked.iter().filter(|one| one.path == "/token");
    assert!(at_service.map(shown).all(|shown| shown.unwrap() == BASIC));
    let at_registry = asked.iter().filter(|one| one.path != "/token");
    assert!(
        at_registry
            .filter_map(shown)
            .all(|shown| shown == "Bearer issued"),
        "the password is for the service alone"
    );
    token_file(&machine, "me:a-bad-word\n");
    let output = machine.ext(&["package", "info", "mlflow"]);
    assert_eq!(output.code, 1, "{}", output.err);
    is_one_clear_line(&output, "error: ");
}
