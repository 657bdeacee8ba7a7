//! Tests of the flags of the connection to a cluster.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use support::{ext, ext_with};

const RECORDS: &str = "../../examples/records";

#[test]
fn missing_kubeconfig_is_error_with_hint() {
    let output = ext(&["list"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r#"
    error: cannot connect to a cluster: failed to read /nowhere/kubeconfig: No such file or directory (os error 2)
      hint: pass a kubeconfig with --kubeconfig, or files with -f
    "#);
}

/// Hints must not suggest flags that the command does not have.
#[test]
fn kubeconfig_hint_names_flag_of_command() {
    for (arguments, flag) in [
        (&["list"][..], "-f"),
        (&["resolve"], "-f"),
        (&["whatif", "--delete", "x", "-f", RECORDS], "--base"),
        (&["status"], ""),
        (&["doctor"], ""),
        (&["run", "x"], ""),
        (&["unregister", "x"], ""),
        (&["update", "x", "--version", "1"], ""),
    ] {
        let output = ext(arguments);
        let mut hint = "hint: pass a kubeconfig with --kubeconfig".to_owned();
        if !flag.is_empty() {
            hint = format!("{hint}, or files with {flag}");
        }
        let has = output.err.lines().chain(output.out.lines());
        let mut has = has.filter(|line| line.contains("--kubeconfig"));
        let line = has.next().unwrap_or_default();
        assert!(
            line.ends_with(&hint),
            "{arguments:?}: {}{}",
            output.out,
            output.err
        );
    }
}

/// The server accepts connections and never responds.
#[test]
fn request_timeout_limits_wait() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nusers: [{{name: a, user: {{}}}}]\n\
         clusters: [{{name: a, cluster: {{server: 'http://{}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n",
        server.local_addr().unwrap()
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    let file = file.path().display().to_string();
    let before = Instant::now();
    let output = ext(&["list", "--kubeconfig", &file, "--request-timeout", "200ms"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("timed out\n  hint: "), "{}", output.err);
    assert!(before.elapsed() < Duration::from_secs(20));
    assert_eq!(
        ext(&["list", "-f", RECORDS, "--request-timeout", "x"]).code,
        2
    );
}

/// User-scoped credentials resolve only for that user.
#[test]
fn impersonation_affects_resolution() {
    let objects = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, credentials: [{name: mine, scope: user, user: [ada]}]}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: store, product: store}]}]}
";
    let resolve =
        |arguments: &[&str]| ext_with(&[&["resolve", "-f", "-"], arguments].concat(), objects);
    let anonymous = resolve(&[]);
    assert_eq!(anonymous.code, 1);
    assert!(anonymous.out.contains("NoAccess"), "{}", anonymous.out);
    assert_eq!(resolve(&["--as", "ada"]).code, 0);
    assert_eq!(resolve(&["--as", "grace", "--as-group", "ada"]).code, 1);
    assert_eq!(resolve(&["--as-group", "team"]).code, 2);
    let render = ext_with(&["render", "-f", "-", "--as", "ada"], objects);
    assert_eq!(render.code, 0);
    assert!(
        render
            .out
            .contains("registry.fuseml.io/user-secrets: \"true\""),
        "{}",
        render.out
    );
}
