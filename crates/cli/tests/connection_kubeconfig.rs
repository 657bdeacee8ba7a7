//! Connections as users configure them: kubeconfigs, the environment, and flags before the command.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../client/tests/support/mod.rs"]
mod connection;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use connection::proxies::{Proxies, VARIABLES, write};

/// Runs the program with an environment, and returns its exit code and both outputs.
fn run(home: &Path, environment: &[(&str, String)], arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-ext"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    let output = command
        .args(arguments)
        .env("HOME", home)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

#[test]
fn proxies_are_used_like_kubectl() {
    let proxies = Proxies::start();
    let home = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in proxies.cases() {
        let path = write(home.path(), &case).display().to_string();
        let mut environment = case.environment.clone();
        environment.push(("KUBECONFIG", path));
        let (_, text) = run(
            home.path(),
            &environment,
            &["doctor", "--request-timeout=1s"],
        );
        let seen = proxies.seen();
        if seen != case.expected {
            let expected = case.expected;
            wrong.push(format!(
                "{}: expected {expected:?}, got {seen:?}\n{text}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns a kubeconfig without TLS.
fn plain(port: u16, user: &str) -> String {
    format!(
        "current-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters: [{{name: a, cluster: {{server: '127.0.0.1:{port}'}}}}]\nusers: [{{name: a, user: {user}}}]\n"
    )
}

#[test]
fn missing_files_of_a_list_are_ignored() {
    let server = connection::server::Server::start(None);
    let home = tempfile::tempdir().unwrap();
    let good = home.path().join("good");
    fs::write(&good, plain(server.address.port(), "{}")).unwrap();
    let list = format!("/missing:{}::/missing-too", good.display());
    let environment = [("KUBECONFIG", list)];
    run(home.path(), &environment, &["doctor"]);
    assert!(!server.seen().is_empty());

    let environment = [("KUBECONFIG", "/missing:/missing-too".to_owned())];
    let (code, text) = run(home.path(), &environment, &["doctor"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text, @r"
    error: cannot connect to a cluster: none of the files in KUBECONFIG exists: /missing, /missing-too
      hint: pass a kubeconfig with --kubeconfig
    ");

    // A flag names a file that must exist.
    let arguments = ["doctor", "--kubeconfig", "/missing"];
    let (code, text) = run(home.path(), &environment, &arguments);
    assert_eq!(code, 1);
    assert!(
        text.contains("failed to read /missing: No such file"),
        "{text}"
    );
}

#[test]
fn errors_of_a_kubeconfig_name_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let error = |text: &str| {
        fs::write(&path, text).unwrap();
        let environment = [("KUBECONFIG", path.display().to_string())];
        let (code, text) = run(home.path(), &environment, &["list"]);
        assert_eq!(code, 1, "{text}");
        text.replace(&path.display().to_string(), "FILE")
    };
    let good = plain(1, "{}");
    insta::assert_snapshot!(error(&good.replace("current-context: a", "current-context: ''")), @r"
    error: cannot connect to a cluster: the kubeconfig has no current context
      hint: select one with `kubectl config use-context NAME`, or pass --context NAME
      hint: available contexts: a
    ");
    insta::assert_snapshot!(error(&good.replace("user: a}", "user: b}")), @r"
    error: cannot connect to a cluster: user `b` of context `a` not found in the kubeconfig
      hint: set one with `kubectl config set-context a --user=NAME`
      hint: available users: a
    ");
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: no-such-plugin, \
                installHint: 'install it with `brew install no-such-plugin`', env: [{name: A, value: hunter2}]}}";
    insta::assert_snapshot!(error(&plain(1, exec)), @r"
    error: cannot connect to a cluster: user `a` has credentials, which are not sent to http://127.0.0.1:1/ without TLS
      hint: use an https server in cluster `a`, or a context without a user
    ");
    insta::assert_snapshot!(error(&plain(1, exec).replace("127.0.0.1", "https://127.0.0.1")), @r"
    error: cannot connect to a cluster: exec plugin `no-such-plugin` not found in PATH
      hint: install it with `brew install no-such-plugin`
    ");
    insta::assert_snapshot!(error(&plain(1, "{token: 12345}")), @r"
    error: cannot connect to a cluster: failed to parse FILE: field `users[0].user.token` must be a string, not a number
      hint: put the value in quotes
    ");
}

#[test]
fn certificate_problems_are_explained() {
    let made = connection::certificates::certificates();
    let server = connection::server::Server::start(Some(made.server("other-name")));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let authority = connection::base64(made.authority.pem.as_bytes());
    let text = plain(1, "{}").replace(
        "server: '127.0.0.1:1'",
        &format!(
            "server: 'https://{}', certificate-authority-data: {authority}",
            server.address
        ),
    );
    fs::write(&path, text).unwrap();
    let environment = [("KUBECONFIG", path.display().to_string())];
    let (code, text) = run(home.path(), &environment, &["list"]);
    assert_eq!(code, 1);
    let text = text.replace(&server.address.to_string(), "SERVER");
    insta::assert_snapshot!(text, @r"
    error: failed to query the cluster: cannot connect to https://SERVER (context `a`): the server certificate `CN=server` is valid for other.example.org, not for `127.0.0.1`
      hint: if the server is the right one, run `kubectl config set-cluster a --tls-server-name=other.example.org`
    ");
}

#[test]
fn flags_may_precede_the_command() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(home.path(), &[], arguments);
    let records = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/records");
    let usual = run(&["list", "-n", "alpha", "-f", records]);
    assert_eq!(usual.0, 0, "{}", usual.1);
    for flags in [&["-n", "alpha"][..], &["-nalpha"], &["--namespace=alpha"]] {
        assert_eq!(run(&[flags, &["list", "-f", records]].concat()), usual);
    }
    let flags = ["--context", "x", "-n", "alpha", "package", "list", "--help"];
    assert!(run(&flags).1.contains("kubectl ext package list"));
    assert_eq!(run(&["help", "list"]), run(&["list", "--help"]));
    assert_eq!(
        run(&["help", "package", "list"]),
        run(&["package", "list", "--help"])
    );
    assert_eq!(run(&["help"]), run(&["--help"]));
    for wrong in [
        &["-n"][..],
        &["-n", "alpha"],
        &["--unknown", "list"],
        &["help", "unknown"],
    ] {
        assert_eq!(run(wrong).0, 2, "{wrong:?}");
    }
}
