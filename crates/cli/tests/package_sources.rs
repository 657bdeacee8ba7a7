//! Tests of several sources with priorities, and of ambiguous names.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;

use machine::Machine;

/// A repository that nobody answers for.
fn dead(priority: i64) -> String {
    format!(
        "[[repository]]\nname = \"company\"\nkind = \"oci\"\nurl = \"http://127.0.0.1:9/extensions\"\n\
         priority = {priority}\nretry_count = 0\ntimeout = 5\n\n"
    )
}

/// Each verb that takes one package, in a form that fetches it anew where it fetches.
const VERBS: [&[&str]; 6] = [
    &["info", "mlflow"],
    &["docs", "mlflow"],
    &["verify", "mlflow"],
    &["pull", "mlflow", "--force"],
    &["pull", "mlflow", "--with-deps"],
    &["load", "mlflow", "--force"],
];

fn package<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["package"], arguments, more].concat()
}

#[test]
fn no_verb_falls_back_below_unreachable_source() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let text = machine.configuration();
    machine.configure(&format!("{}{text}", dead(10)));
    for verb in VERBS {
        let error = machine.ext(&package(verb, &[])).wrong(1);
        for part in [
            "`mlflow` is available from team, but higher-priority repository company could not be queried",
            "hint: try again, or pass --source team to use that source",
        ] {
            assert!(error.contains(part), "{verb:?}: {part}: {error}");
        }
    }
    let files = machine.files("cache");
    let kept = files.iter().filter(|file| file.contains("mlflow"));
    assert_eq!(kept.count(), 0, "{files:?}");
    for verb in VERBS {
        let output = machine.ext(&package(verb, &["--source", "team"]));
        assert!(!output.err.contains("company"), "{verb:?}: {}", output.err);
        output.fine();
    }
}

#[test]
fn unreachable_lower_source_is_a_warning() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let text = machine.configuration();
    for priority in [0, -5] {
        machine.configure(&format!("{}{text}", dead(priority)));
        for verb in VERBS {
            let output = machine.ext(&package(verb, &[]));
            let warned = "warning: company: failed to";
            assert!(output.err.contains(warned), "{verb:?}: {}", output.err);
            output.fine();
        }
    }
}

#[test]
fn ambiguous_type_needs_type_flag() {
    let machine = Machine::new();
    machine.publish("tool", "1.0.0", "");
    let folder = machine.package("tool", "2.0.0", "");
    let path = machine.path("work").join(&folder).join("extension.yaml");
    let manifest = fs::read_to_string(&path).unwrap();
    let provider = manifest.replace("version: 2.0.0", "version: 2.0.0\n  type: provider");
    fs::write(&path, provider).unwrap();
    machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
    let sources = "it is a provider (2.0.0 in team) and a record (1.0.0 in team)";
    for verb in [
        &["info", "tool"][..],
        &["pull", "tool"],
        &["pull", "tool", "--with-deps"],
        &["load", "tool"],
    ] {
        let error = machine.ext(&package(verb, &[])).wrong(1);
        let said =
            error.contains(sources) || error.contains("a record (1.0.0 in team) and a provider");
        assert!(said, "{verb:?}: {error}");
        assert!(error.contains("hint: pass --type "), "{verb:?}: {error}");
    }
    for (kind, version) in [("record", "1.0.0"), ("provider", "2.0.0")] {
        let pulled = machine
            .ext(&["package", "pull", "tool", "--type", kind])
            .fine();
        assert!(
            pulled.starts_with(&format!("tool {version} pulled")),
            "{pulled}"
        );
    }
    // Now the cache, which is consulted first, has both.
    for verb in [
        &["load", "tool"][..],
        &["load", "tool", "--offline"],
        &["pull", "tool", "--offline"],
        &["pull", "tool", "--offline", "--with-deps"],
    ] {
        let error = machine.ext(&package(verb, &[])).wrong(1);
        assert!(
            error.contains("`tool` is ambiguous: the cache has a"),
            "{verb:?}: {error}"
        );
        let loaded = machine.ext(&package(verb, &["--type", "record"])).fine();
        assert!(loaded.contains("1.0.0"), "{verb:?}: {loaded}");
    }
}

#[test]
fn newest_version_comes_from_highest_priority() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.0.0", "");
    machine.with_repository("public", "priority = -1\n");
    machine.publish_to("public", "mlflow", "2.0.0", "");
    let error = machine.ext(&package(&["pull", "mlflow@>=2"], &[])).wrong(1);
    assert!(
        error.contains("package `mlflow` in team: ")
            && error.contains("1.0.0")
            && !error.contains("public"),
        "{error}"
    );
}
