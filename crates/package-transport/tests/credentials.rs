//! Credentials where people keep them already: files of docker and podman, and the programs that these name.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use extension_registry_package_transport::credentials::{
    Credentials, CredentialsError, find, from_docker_config, remove, store,
};
use extension_registry_package_transport::environment::Environment;
use tempfile::TempDir;

const SECRET: &str = "a-secret-word";

struct Home {
    folder: TempDir,
    environment: Environment,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut environment = Environment::default();
        environment.set("HOME", folder.path());
        environment.set("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        Self {
            folder,
            environment,
        }
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A helper as docker speaks with it (docker-credential-helpers, "Development"). It answers to one server.
    fn helper(&self, name: &str, server: &str, answer: &str) {
        let script = format!(
            "#!/bin/sh\nread -r server\nif [ \"$1 $server\" = 'get {server}' ]; then echo '{answer}'\n\
             else echo 'credentials not found in native keychain'; exit 1; fi\n"
        );
        let text = self.write("script", &script);
        let program = self.folder.path().join(format!("docker-credential-{name}"));
        // A file that this process writes may still be open in a child that another test starts, and cannot be run then.
        let installed = Command::new("install")
            .args(["-m", "755"])
            .arg(text)
            .arg(program)
            .status();
        assert!(installed.unwrap().success());
    }

    fn find(&self, server: &str) -> Result<Credentials, CredentialsError> {
        find(server, None, &self.environment).map(|found| found.credentials)
    }
}

fn basic(user: &str) -> Credentials {
    Credentials::Basic {
        user: user.to_owned(),
        password: SECRET.into(),
    }
}

/// `ada:a-secret-word` and `bob:a-secret-word` in base64, the second without padding.
const ADA: &str = "YWRhOmEtc2VjcmV0LXdvcmQ=";
const BOB: &str = "Ym9iOmEtc2VjcmV0LXdvcmQ";

fn entries() -> String {
    format!(
        r#"{{"auths": {{
            "registry.example.com": {{"auth": "{ADA}"}},
            "registry.example.com/team": {{"auth": "{BOB}"}},
            "https://other.example.com/v2/": {{"username": "ada", "password": "{SECRET}"}},
            "https://index.docker.io/v1/": {{"auth": "{BOB}"}},
            "identity.example.com:5000": {{"auth": "{ADA}", "identitytoken": "{SECRET}"}},
            "token.example.com": {{"registrytoken": "{SECRET}"}}
        }}}}"#
    )
}

fn expected() -> Vec<(&'static str, Credentials)> {
    vec![
        ("registry.example.com", basic("ada")),
        ("REGISTRY.example.com/others/tool", basic("ada")),
        ("registry.example.com/team/tool", basic("bob")),
        ("registry.example.com/teams", basic("ada")),
        ("registry.example.com:5000", Credentials::Anonymous),
        ("other.example.com/team", basic("ada")),
        ("docker.io/library", basic("bob")),
        ("registry-1.docker.io", basic("bob")),
        (
            "identity.example.com:5000",
            Credentials::Identity(SECRET.into()),
        ),
        ("token.example.com", Credentials::Token(SECRET.into())),
        ("nobody.example.com", Credentials::Anonymous),
    ]
}

#[test]
fn finds_entries_by_host_and_path() {
    let home = Home::new();
    home.write(".docker/config.json", &entries());
    for (server, credentials) in expected() {
        assert_eq!(home.find(server).unwrap(), credentials, "{server}");
    }
}

#[test]
fn kubernetes_secret_starts_no_helper() {
    for (server, credentials) in expected() {
        let found = from_docker_config(entries().as_bytes(), server).unwrap();
        assert_eq!(found, credentials, "{server}");
    }
    let names_a_program = br#"{"credsStore": "fake", "credHelpers": {"a.example.com": "fake"}}"#;
    let found = from_docker_config(names_a_program, "a.example.com").unwrap();
    assert_eq!(found, Credentials::Anonymous);
}

#[test]
fn helper_precedence_matches_docker() {
    let home = Home::new();
    let answer =
        |user: &str| format!(r#"{{"ServerURL":"","Username":"{user}","Secret":"{SECRET}"}}"#);
    home.helper("one", "registry.example.com", &answer("helped"));
    home.helper("all", "kept.example.com", &answer("<token>"));
    let text = entries().replacen(
        '{',
        r#"{"credHelpers": {"registry.example.com": "one"}, "credsStore": "all", "#,
        1,
    );
    home.write(".docker/config.json", &text);
    for (server, credentials) in [
        ("registry.example.com", basic("helped")),
        // A longer name goes before a shorter one, whoever has it.
        ("registry.example.com/team", basic("bob")),
        ("other.example.com", basic("ada")),
        (
            "kept.example.com/team",
            Credentials::Identity(SECRET.into()),
        ),
        ("nobody.example.com", Credentials::Anonymous),
    ] {
        assert_eq!(home.find(server).unwrap(), credentials, "{server}");
    }
}

#[test]
fn searches_files_in_order() {
    let mut home = Home::new();
    let of = |user: &str| {
        let auth = if user == "ada" { ADA } else { BOB };
        format!(r#"{{"auths": {{"registry.example.com": {{"auth": "{auth}"}}}}}}"#)
    };
    home.write(".config/containers/auth.json", &of("bob"));
    assert_eq!(home.find("registry.example.com").unwrap(), basic("bob"));
    let podman = home.write("elsewhere/auth.json", &of("ada"));
    home.environment.set("REGISTRY_AUTH_FILE", podman);
    assert_eq!(home.find("registry.example.com").unwrap(), basic("ada"));
    home.write(".docker/config.json", &of("bob"));
    assert_eq!(home.find("registry.example.com").unwrap(), basic("bob"));
    let docker = home.write("docker/config.json", &of("ada"));
    home.environment
        .set("DOCKER_CONFIG", docker.parent().unwrap());
    assert_eq!(home.find("registry.example.com").unwrap(), basic("ada"));
    let token = home.write("token", SECRET);
    let found = find("registry.example.com", Some(&token), &home.environment).unwrap();
    assert_eq!(found.credentials, Credentials::Token(SECRET.into()));
}

#[test]
fn errors_contain_no_secrets() {
    let home = Home::new();
    for (text, named) in [
        (SECRET.to_owned(), "is not a JSON object"),
        (
            format!(r#"{{"auths": "{SECRET}"}}"#),
            "auths is not an object",
        ),
        (
            format!(r#"{{"auths": {{"a.example.com": "{SECRET}"}}}}"#),
            "auths.\"a.example.com\" is not an object",
        ),
        (
            format!(r#"{{"auths": {{"a.example.com": {{"auth": "{SECRET}!"}}}}}}"#),
            "auths.\"a.example.com\".auth is not base64-encoded USERNAME:PASSWORD",
        ),
    ] {
        home.write(".docker/config.json", &text);
        let error = home.find("a.example.com").unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(named), "{said}");
        assert!(said.contains("config.json"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
    home.helper("broken", "a.example.com", SECRET);
    home.write(".docker/config.json", r#"{"credsStore": "broken"}"#);
    let error = home.find("a.example.com").unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("docker-credential-broken"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn stores_and_removes_without_other_changes() {
    let home = Home::new();
    let path = home.write(".docker/config.json", &entries());
    let environment = &home.environment;
    let password = SECRET.into();
    store(&path, "new.example.com", "ada", &password, environment).unwrap();
    assert_eq!(home.find("new.example.com").unwrap(), basic("ada"));
    assert!(remove(&path, "new.example.com", environment).unwrap());
    assert!(!remove(&path, "new.example.com", environment).unwrap());
    for (server, credentials) in expected() {
        assert_eq!(home.find(server).unwrap(), credentials, "{server}");
    }
}

#[test]
fn reads_wrapped_base64_and_byte_order_mark() {
    for wrapped in [
        format!("{}\\n{}\\n", &ADA[..8], &ADA[8..]),
        format!("{}\\r\\n  {}", &ADA[..8], &ADA[8..]),
        format!(" {ADA}\\t"),
    ] {
        let home = Home::new();
        let text = format!(r#"{{"auths": {{"registry.example.com": {{"auth": "{wrapped}"}}}}}}"#);
        home.write(".docker/config.json", &format!("\u{feff}{text}"));
        let found = home.find("registry.example.com").unwrap();
        assert_eq!(found, basic("ada"), "{wrapped}");
        let secret = from_docker_config(text.as_bytes(), "registry.example.com").unwrap();
        assert_eq!(secret, basic("ada"), "{wrapped}");
    }
}
