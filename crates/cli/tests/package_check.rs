//! Tests of `kubectl ext package test-oci`: failed steps and exit codes.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::net::TcpListener;

use machine::{Machine, Output};
use registry::quirk::{answer, text};
use registry::{BASIC, Registry, unless_shown};
use serde_json::Value;

/// Tries a registry with nothing but its address.
fn test_oci(machine: &Machine, registry: &str) -> Output {
    machine.ext(&["package", "test-oci", "--registry", registry, "-o", "json"])
}

/// Each step with what came of it, as `DNS pass`.
fn steps(output: &Output) -> Vec<String> {
    let data: Value = serde_json::from_str(&output.out).unwrap();
    let steps = data["steps"].as_array().unwrap().iter();
    let steps = steps.map(|row| {
        format!(
            "{} {}",
            row["step"].as_str().unwrap(),
            row["outcome"].as_str().unwrap()
        )
    });
    steps.collect()
}

/// The step that failed, what was seen, and the advice.
#[track_caller]
fn failed(output: &Output) -> (String, String, String) {
    let data: Value = serde_json::from_str(&output.out).unwrap();
    let mut rows = data["steps"].as_array().unwrap().iter();
    let row = rows.find(|row| row["outcome"] == "fail").unwrap();
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    (text("step"), text("detail"), text("advice"))
}

#[test]
fn working_registry_passes_all_applicable_steps() {
    let registry = Registry::real();
    let output = test_oci(&Machine::bare(), &registry.host());
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    assert_eq!(
        steps(&output),
        [
            "DNS pass",
            "TCP pass",
            "TLS skipped",
            "/v2/ pass",
            "auth pass",
            "list tags pass",
            "discover pass",
            "referrers pass"
        ]
    );
}

#[test]
fn network_failure_exits_11() {
    let machine = Machine::bare();
    // No name server knows it (RFC 6761, section 6.4).
    let output = test_oci(&machine, "https://registry.invalid");
    assert_eq!(output.code, 11, "{}{}", output.out, output.err);
    let (step, detail, advice) = failed(&output);
    assert_eq!(step, "DNS");
    assert!(detail.starts_with("registry.invalid: "), "{detail}");
    assert!(advice.contains("the spelling of `registry`"), "{advice}");
    assert_eq!(steps(&output)[1..3], ["TCP skipped", "TLS skipped"]);
    // A port where nothing listens any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let output = test_oci(&machine, &address);
    assert_eq!(output.code, 11, "{}{}", output.out, output.err);
    let (step, detail, advice) = failed(&output);
    assert_eq!(step, "TCP");
    assert!(detail.starts_with(&address), "{detail}");
    assert!(
        advice.contains("check that the registry is running"),
        "{advice}"
    );
    // Plain http where TLS is spoken of.
    let registry = Registry::real();
    let repository = format!(
        "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"https://{}/extensions\"\nretry_count = 0\n",
        registry.host()
    );
    machine.configure(&repository);
    let output = machine.ext(&["package", "test-oci", "hub", "-o", "json"]);
    assert_eq!(output.code, 11, "{}{}", output.out, output.err);
    let (step, _, advice) = failed(&output);
    assert_eq!(step, "TLS");
    assert!(advice.contains("`insecure = true`"), "{advice}");
    assert_eq!(steps(&output)[1], "TCP pass");
    assert_eq!(steps(&output)[3], "/v2/ skipped");
    assert_eq!(registry.lines(), Vec::<String>::new());
}

#[test]
fn protocol_failure_exits_12() {
    let machine = Machine::bare();
    let registry = Registry::before(|_| Some(text(404, "a web site\n")));
    let output = test_oci(&machine, &registry.host());
    assert_eq!(output.code, 12, "{}{}", output.out, output.err);
    let (step, detail, advice) = failed(&output);
    assert_eq!(step, "/v2/");
    assert!(detail.contains("404"), "{detail}");
    assert!(
        advice.contains("the server might not be a registry"),
        "{advice}"
    );
    assert_eq!(steps(&output)[4], "auth skipped");
    // `/v2/` answers, and no list does. What comes after it is tried all the same.
    let registry = Registry::before(|asked| {
        let is_list = asked.path.ends_with("/tags/list");
        is_list.then(|| answer(501, &[("content-type", "application/json")], "{}"))
    });
    let output = test_oci(&machine, &registry.host());
    assert_eq!(output.code, 12, "{}{}", output.out, output.err);
    assert_eq!(failed(&output).0, "list tags");
    assert_eq!(steps(&output)[6..], ["discover pass", "referrers pass"]);
}

#[test]
fn credential_failure_exits_13() {
    let machine = Machine::bare();
    let registry = Registry::before(|asked| unless_shown(asked, BASIC, "Basic realm=\"registry\""));
    let host = registry.host();
    let output = test_oci(&machine, &host);
    assert_eq!(output.code, 13, "{}{}", output.out, output.err);
    let (step, _, advice) = failed(&output);
    assert_eq!(step, "auth");
    assert_eq!(advice, "log in with `kubectl ext package login`");
    assert_eq!(steps(&output)[3], "/v2/ pass");
    let login = ["package", "login", &host, "-u", "me", "--password-stdin"];
    machine.ext_with(&login, "a-bad-word").fine();
    let output = test_oci(&machine, &host);
    assert_eq!(output.code, 13, "{}{}", output.out, output.err);
    let (_, detail, advice) = failed(&output);
    assert!(
        advice.contains("check the username and password"),
        "{advice}"
    );
    assert!(!format!("{detail}{}", output.err).contains("a-bad-word"));
    machine.ext_with(&login, "a-good-word").fine();
    let output = test_oci(&machine, &host);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
}

/// It lets somebody in, and not to what is asked then.
#[test]
fn denial_after_login_exits_13() {
    for part in ["/tags/list", "/_oci/ext/discover", "/referrers/"] {
        let registry =
            Registry::before(move |asked| asked.path.contains(part).then(|| text(403, "no")));
        let output = test_oci(&Machine::bare(), &registry.host());
        assert_eq!(output.code, 13, "{part}: {}{}", output.out, output.err);
        let (_, _, advice) = failed(&output);
        assert!(advice.contains("log in"), "{part}: {advice}");
    }
}
