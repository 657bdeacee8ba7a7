//! Tests of the selection of sources and publish targets.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;

use machine::{Machine, trust};
use registry::Registry;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A folder repository of the configuration, with more keys.
fn folder(name: &str, more: &str) -> String {
    format!(
        "[[repository]]\nname = \"{name}\"\nkind = \"folder\"\nurl = \"../repositories/{name}\"\n{more}\n"
    )
}

#[test]
fn source_flag_ignores_cache_entries_of_other_sources() {
    let machine = Machine::new();
    let rules = trust(&machine);
    machine.configure(&format!(
        "{}{}{rules}",
        folder("team", ""),
        folder("copy", "")
    ));
    machine.publish_to("team", "mlflow", "1.2.0", "");
    machine.publish_to("copy", "mlflow", "1.1.0", "");
    machine.publish_to("copy", "mlflow", "1.0.0", "");
    let load = |more: &[&str]| {
        let whole = [&["package", "load", "mlflow", "-o", "json"], more].concat();
        let data = json(&machine.ext(&whole).fine());
        format!(
            "{} {}",
            data["source"].as_str().unwrap(),
            data["version"].as_str().unwrap()
        )
    };
    assert_eq!(load(&["--version", "1.0.0"]), "copy 1.0.0");
    assert_eq!(load(&[]), "copy 1.0.0", "the cache has one that fits");
    assert_eq!(load(&["--source", "team"]), "team 1.2.0");
    // Without the network too, and the newest of all does not stand before the newest of that source.
    assert_eq!(load(&["--offline"]), "team 1.2.0");
    assert_eq!(load(&["--offline", "--source", "copy"]), "copy 1.0.0");
    let with_deps = ["package", "pull", "mlflow", "--with-deps", "--offline"];
    let pulled = machine.ext(&with_deps).fine();
    assert!(pulled.starts_with("mlflow 1.2.0 is up to date"), "{pulled}");
    let pulled = machine.ext(&[&with_deps[..], &["--source", "copy"]].concat());
    let pulled = pulled.fine();
    assert!(pulled.starts_with("mlflow 1.0.0 is up to date"), "{pulled}");
    assert_eq!(load(&["--source", "auto"]), "team 1.2.0");
    let none = machine
        .ext(&["package", "load", "minio", "--offline", "--source", "copy"])
        .wrong(1);
    assert!(
        none.contains("no matching version of `minio` in the cache"),
        "{none}"
    );
    let cached = machine
        .ext(&[
            "package", "list", "--cached", "--source", "copy", "-o", "json",
        ])
        .fine();
    assert_eq!(
        json(&cached)["packages"][0]["versions"],
        serde_json::json!(["1.0.0"])
    );
    // The same content from there is of that source from then on.
    machine.publish_to("team", "minio", "1.0.0", "");
    machine.publish_to("copy", "minio", "1.0.0", "");
    let pull = |source: &str| {
        let whole = ["package", "pull", "minio", "--source", source, "-o", "json"];
        json(&machine.ext(&whole).fine())["packages"][0].clone()
    };
    assert_eq!(pull("team")["fetched"], true);
    assert_eq!(pull("team")["fetched"], false);
    assert_eq!(pull("copy")["source"], "copy");
    assert_eq!(pull("copy")["fetched"], false);
}

#[test]
fn explain_names_reason_for_each_source() {
    let machine = Machine::new();
    let rules = trust(&machine);
    let dead = "[[repository]]\nname = \"dead\"\nkind = \"oci\"\nurl = \"http://127.0.0.1:9/extensions\"\n\
                retry_count = 0\npriority = -2\n\n";
    machine.configure(&format!(
        "{}{}{}{}{}{dead}{rules}",
        folder("team", "priority = 10\n"),
        folder("twin", "priority = 10\n"),
        folder("older", "priority = 10\n"),
        folder("below", "priority = -1\n"),
        folder("empty", "")
    ));
    machine.publish_to("team", "mlflow", "1.2.0", "");
    machine.publish_to("twin", "mlflow", "1.2.0", "");
    machine.publish_to("older", "mlflow", "1.0.0", "");
    machine.publish_to("below", "mlflow", "2.0.0", "");
    machine.publish_to("empty", "minio", "1.0.0", "");
    let pulled = machine
        .ext(&["package", "pull", "mlflow", "--explain"])
        .fine();
    let why: Vec<&str> = pulled
        .lines()
        .filter_map(|line| line.strip_prefix("  why: "))
        .collect();
    assert_eq!(
        why[..5],
        [
            "team has priority 10, the highest among the sources that have the package",
            "twin has the same content and priority, but comes after team in the configuration",
            "older has the same priority, but does not have version 1.2.0",
            "empty has no package with this name",
            "below has a lower priority (-1)",
        ]
    );
    assert!(
        why[5].starts_with("failed to query dead: dead: failed to "),
        "{}",
        why[5]
    );
    assert_eq!(why.len(), 6);
    // JSON has it as a step, only with --explain.
    let steps = |more: &[&str]| {
        let whole = [
            &["package", "load", "mlflow", "--force", "-o", "json"],
            more,
        ]
        .concat();
        json(&machine.ext(&whole).fine())["steps"].clone()
    };
    assert_eq!(
        steps(&["--explain", "--source", "team"])[1],
        "why: team is the only source: selected by --source"
    );
    assert!(!steps(&[]).to_string().contains("why: "));
    // A package from the cache has no reasons: no source was queried.
    let loaded = machine
        .ext(&["package", "load", "mlflow", "--explain"])
        .fine();
    assert!(!loaded.contains("why: "), "{loaded}");
}

#[test]
fn registry_and_namespace_flags_select_publish_target() {
    let registry = Registry::real();
    let machine = Machine::new();
    let folder = machine.package("mlflow", "1.2.0", "");
    let host = registry.host();
    let there = ["--registry", &host, "--namespace", "seed"];
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let said = machine.ext(&[&publish[..], &there].concat()).fine();
    assert!(
        said.starts_with("mlflow 1.2.0 published to oci\n"),
        "{said}"
    );
    let lines = registry.lines();
    assert!(
        lines.contains(&"PUT /v2/seed/mlflow/manifests/1.2.0".to_owned()),
        "{lines:?}"
    );
    assert!(
        !machine.path("repositories").exists(),
        "nothing is published to `team`"
    );
    // The same for what follows a publication.
    let delete = ["package", "delete", "mlflow", "1.2.0", "--yes"];
    let gone = machine.ext(&[&delete[..], &there].concat()).fine();
    assert!(gone.contains("deleted"), "{gone}");
    // --repository overrides them.
    let named = [&publish[..], &there, &["--repository", "team"]].concat();
    let said = machine.ext(&named).fine();
    assert!(
        said.starts_with("mlflow 1.2.0 published to team\n"),
        "{said}"
    );
    // With two configured repositories, the choice must be explicit.
    fs::create_dir_all(machine.path("more")).unwrap();
    let more = machine.path("more").display().to_string();
    let which = machine
        .ext(&[&publish[..], &["--path", &more]].concat())
        .wrong(1);
    assert!(which.contains("hint: pass --repository NAME"), "{which}");
}
