//! Tests of repository settings that affect HTTP requests.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;
use std::net::TcpListener;

use machine::{Machine, Output, trust, with};
use registry::quirk::answer;
use registry::{Registry, writes};

fn run(machine: &Machine, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = machine.command(arguments);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Output {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn retry_count_limits_retries() {
    for retries in [0, 2] {
        let registry = Registry::before(|_| Some(answer(503, &[("retry-after", "0")], "busy")));
        let key = format!("retry_count = {retries}\n");
        let machine = with(&registry.repository("hub", &key));
        let said = machine.ext(&["package", "info", "mlflow"]).wrong(1);
        assert!(said.contains("the server responded with 503"), "{said}");
        let lines = registry.lines();
        let wanted = vec!["GET /v2/extensions/mlflow/tags/list"; retries + 1];
        assert_eq!(lines, wanted);
    }
}

#[test]
fn timeout_limits_response_time() {
    // It takes connections, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for seconds in [1, 2] {
        let machine = with(&format!(
            "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"http://{address}/extensions\"\n\
             retry_count = 0\ntimeout = {seconds}\n\n"
        ));
        let said = machine.ext(&["package", "info", "mlflow"]).wrong(1);
        assert!(
            said.contains(&format!("no response within {seconds}")),
            "{said}"
        );
        let listed = machine.ext(&["package", "list"]);
        assert_eq!(listed.code, 5, "{}", listed.err);
        assert!(
            listed
                .err
                .contains(&format!("no response within {seconds}")),
            "{}",
            listed.err
        );
    }
}

/// The registry stands behind the proxy, where every name leads to it.
#[test]
fn http_to_other_machines_needs_insecure() {
    let registry = Registry::real();
    let proxy = format!("http://{}", registry.host());
    let variables = [("HTTP_PROXY", &*proxy), ("http_proxy", &*proxy)];
    let far = "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"http://registry.invalid/extensions\"\n";
    let machine = with(&format!("{far}\n"));
    let folder = machine.package("mlflow", "1.2.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let refused = run(&machine, &publish, &variables).wrong(1);
    assert!(
        refused.contains("refusing to connect to registry.invalid over unencrypted http")
            && refused.contains("`insecure = true`"),
        "{refused}"
    );
    assert_eq!(registry.lines(), Vec::<String>::new());
    machine.configure(&format!("{far}insecure = true\n\n{}", trust(&machine)));
    run(&machine, &publish, &variables).fine();
    run(&machine, &["package", "pull", "mlflow"], &variables).fine();
    let hosts = registry.asked();
    assert!(
        hosts
            .iter()
            .all(|asked| asked.header("host") == Some("registry.invalid"))
    );
}

#[test]
fn queries_mirror_first_and_falls_back_to_original() {
    let (original, copy) = (Registry::real(), Registry::real());
    let machine = with(&copy.repository("hub", ""));
    let rules = trust(&machine);
    machine.publish("mlflow", "1.2.0", "");
    let hub = original.repository("hub", "");
    machine.configure(&format!("{hub}{rules}"));
    machine.publish("mlflow", "1.2.0", "");
    machine.publish("minio", "1.0.0", "");
    let token = machine.path("token");
    fs::write(&token, "a-token").unwrap();
    let more = format!(
        "retry_count = 0\nmirrors = [\"http://{}/extensions\"]\nauth_token_path = \"{}\"\n",
        copy.host(),
        token.display()
    );
    machine.configure(&format!("{}{rules}", original.repository("hub", &more)));
    let _ = (original.lines(), copy.lines());
    machine.ext(&["package", "pull", "mlflow"]).fine();
    let blobs = |lines: &[String]| lines.iter().filter(|line| line.contains("/blobs/")).count();
    assert!(blobs(&copy.lines()) > 0, "the copy delivered");
    assert_eq!(original.lines(), Vec::<String>::new());
    machine.ext(&["package", "pull", "minio"]).fine();
    let shown = |registry: &Registry| {
        let asked = registry.asked().into_iter();
        let shown = asked.filter_map(|one| one.header("authorization").map(str::to_owned));
        shown.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(shown(&original), ["Bearer a-token".to_owned()].into());
    assert_eq!(shown(&copy), [].into(), "the token is for the original");
    assert!(blobs(&original.lines()) > 0, "the copy lacks it");
    // What is written goes to the original.
    machine.publish("postgres", "1.0.0", "");
    assert!(!copy.lines().iter().any(|line| writes(line)));
    // A copy that is gone.
    drop(copy);
    machine.publish("redis", "1.0.0", "");
    machine.ext(&["package", "pull", "redis"]).fine();
}

#[test]
fn dry_run_writes_nothing() {
    let registry = Registry::real();
    let machine = with(&registry.repository("hub", ""));
    let folder = machine.package("mlflow", "1.2.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let dry = [&publish[..], &["--dry-run"]].concat();
    let said = machine.ext(&dry).fine();
    assert!(said.starts_with("mlflow 1.2.0 can be published to hub\n"));
    let lines = registry.lines();
    assert!(!lines.is_empty(), "it checks whether the version exists");
    assert!(!lines.iter().any(|line| writes(line)), "{lines:?}");
    machine.ext(&publish).fine();
    let lines = registry.lines();
    assert!(lines.iter().any(|line| writes(line)), "{lines:?}");
    let there = machine.ext(&dry).wrong(1);
    assert!(
        there.contains("version 1.2.0 of mlflow already exists"),
        "{there}"
    );
    machine.ext(&[&dry[..], &["--force"]].concat()).fine();
    let lines = registry.lines();
    assert!(!lines.iter().any(|line| writes(line)), "{lines:?}");
}

#[test]
fn force_bypasses_cache_and_verifies_again() {
    let registry = Registry::real();
    let machine = with(&registry.repository("hub", ""));
    machine.publish("mlflow", "1.2.0", "");
    let load = ["package", "load", "mlflow"];
    let force = ["package", "load", "mlflow", "--force", "-o", "json"];
    let blobs = || {
        let lines = registry.lines().into_iter();
        lines
            .filter(|line| line.starts_with("GET ") && line.contains("/blobs/"))
            .count()
    };
    machine.ext(&load).fine();
    let first = blobs();
    assert!(first > 0);
    machine.ext(&load).fine();
    assert_eq!(registry.lines(), Vec::<String>::new());
    let forced = machine.ext(&force).fine();
    assert!(forced.contains("\"download: "), "{forced}");
    assert_eq!(blobs(), first, "all of it came again");
    let pulled = machine
        .ext(&["package", "pull", "mlflow", "--force", "-o", "json"])
        .fine();
    assert!(pulled.contains("\"fetched\": true"), "{pulled}");
    // Somebody whom nobody approved replaces it.
    machine
        .ext(&["package", "key", "generate", "--no-password", "other.key"])
        .fine();
    let folder = machine.package("mlflow", "1.2.0", "changes: [another]\n");
    let replace = [
        "package",
        "publish",
        &folder,
        "--force",
        "--sign-with",
        "other.key",
    ];
    machine.ext(&replace).fine();
    let refused = machine.ext(&force).wrong(1);
    assert!(refused.contains("signed by untrusted key"), "{refused}");
    // What was good is still here.
    let kept = machine
        .ext(&["package", "load", "mlflow", "--explain"])
        .fine();
    assert!(
        kept.starts_with("cache: found\ntrust: signed by me\n"),
        "{kept}"
    );
}
