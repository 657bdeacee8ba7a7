//! Tests of the output of `list`, `search`, `discover`, `info` and `versions`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;
use std::process::{Command, Stdio};

use machine::{Machine, with};
use registry::Registry;
use registry::quirk::text;
use serde_json::{Value, json};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Publishes a package of another type than record.
fn publish_of_type(machine: &Machine, kind: &str, name: &str, version: &str) {
    let folder = machine.package(name, version, "");
    let manifest = machine.path("work").join(&folder).join("extension.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let line = format!("  version: {version}\n  type: {kind}\n");
    let text = text.replacen(&format!("  version: {version}\n"), &line, 1);
    fs::write(&manifest, text).unwrap();
    machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
}

#[test]
fn lists_but_never_loads_unsupported_types() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    publish_of_type(&machine, "camel", "humps", "1.0.0");
    let listed = machine.ext(&["package", "list"]).fine();
    let line = |name: &str| {
        let mut lines = listed.lines();
        lines
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(
        line("humps").contains("  unsupported type camel  "),
        "{listed}"
    );
    assert!(line("mlflow").contains("  record  "), "{listed}");
    let wide = machine.ext(&["package", "list", "-o", "wide"]).fine();
    assert!(wide.contains("  unsupported type camel  "), "{wide}");
    let info = machine.ext(&["package", "info", "humps"]).fine();
    assert!(
        info.contains("Type           unsupported type camel\n"),
        "{info}"
    );
    let versions = machine.ext(&["package", "versions", "humps"]).fine();
    assert!(versions.contains("unsupported type camel"), "{versions}");
    let all = machine.ext(&["package", "pull", "--all"]);
    assert!(
        all.err.contains("skipped humps: unsupported type camel"),
        "{}",
        all.err
    );
    assert!(all.fine().starts_with("mlflow 1.2.0 pulled"));
    // JSON has the type as published, and whether it is supported.
    let json = |arguments: &[&str]| {
        let whole = [&["package"], arguments, &["-o", "json"]].concat();
        read(&machine.ext(&whole).fine())
    };
    let packages = json(&["list"])["packages"].clone();
    let told = |row: &Value| (row["type"].clone(), row["supported"].clone());
    assert_eq!(told(&packages[0]), (json!("camel"), json!(false)));
    assert_eq!(told(&packages[1]), (json!("record"), json!(true)));
    assert_eq!(
        told(&json(&["info", "humps"])),
        (json!("camel"), json!(false))
    );
    let row = json(&["versions", "humps"])["versions"][0].clone();
    assert_eq!(told(&row), (json!("camel"), json!(false)));
    let refused = machine.ext(&["package", "pull", "humps"]).wrong(1);
    assert!(refused.contains("type `camel`"), "{refused}");
}

#[test]
fn type_filters_all_listings() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    publish_of_type(&machine, "provider", "flow-cloud", "1.0.0");
    for list in [&["list"][..], &["search", "flow"], &["discover"]] {
        let names = |kind: &[&str]| {
            let whole = [&["package"], list, kind, &["-o", "name"]].concat();
            machine.ext(&whole).fine()
        };
        assert_eq!(names(&[]), "flow-cloud\nmlflow\n");
        assert_eq!(names(&["--type", "record"]), "mlflow\n");
        assert_eq!(names(&["--type", "provider"]), "flow-cloud\n");
        assert_eq!(names(&["--type", "camel"]), "");
    }
}

#[test]
fn status_distinguishes_cached_and_remote() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let statuses = || {
        let listed = machine
            .ext(&["package", "list", "--refresh", "-o", "json"])
            .fine();
        let row = read(&listed)["packages"][0].clone();
        let table = machine.ext(&["package", "list"]).fine();
        let status = row["status"].as_str().unwrap().to_owned();
        assert!(table.contains(&format!("  {status}  ")), "{table}");
        status
    };
    assert_eq!(statuses(), "remote");
    machine.ext(&["package", "pull", "mlflow"]).fine();
    assert_eq!(statuses(), "cached");
    machine.publish("mlflow", "1.3.0", "");
    assert_eq!(statuses(), "remote");
    machine
        .ext(&["package", "cache", "clear", "--all", "--yes"])
        .fine();
    assert_eq!(statuses(), "remote");
}

#[test]
fn caches_listing_until_refresh() {
    let registry = Registry::real();
    let machine = with(&registry.repository("hub", ""));
    machine.publish("mlflow", "1.2.0", "");
    let _ = registry.lines();
    for list in [&["list"][..], &["search", "flow"], &["discover"]] {
        let whole = [&["package"], list, &["-o", "name"]].concat();
        let again = [&whole[..], &["--refresh"]].concat();
        assert_eq!(machine.ext(&again).fine(), "mlflow\n");
        let asked = registry.lines();
        assert!(
            asked.contains(&"GET /v2/_catalog".to_owned()),
            "{list:?}: {asked:?}"
        );
    }
    for list in [&["list"][..], &["search", "flow"], &["discover"]] {
        let whole = [&["package"], list, &["-o", "name"]].concat();
        assert_eq!(machine.ext(&whole).fine(), "mlflow\n");
        assert_eq!(registry.lines(), Vec::<String>::new(), "{list:?}");
    }
    // Publishing invalidates the cached listing.
    machine.publish("minio", "1.0.0", "");
    let listed = machine.ext(&["package", "list", "-o", "name"]).fine();
    assert_eq!(listed, "minio\nmlflow\n");
}

#[test]
fn list_and_search_work_without_catalog() {
    let registry = Registry::before(|asked| {
        let is_catalog = asked.path == "/v2/_catalog";
        is_catalog.then(|| text(403, "listing is disabled\n"))
    });
    let machine = with(&registry.repository("hub", ""));
    machine.publish("mlflow", "1.2.0", "");
    let list = ["package", "list", "--refresh"];
    let refused = machine.ext(&list);
    assert_eq!(refused.code, 5, "{}", refused.err);
    assert!(
        refused
            .err
            .contains("publish an index with `kubectl ext package index`"),
        "{}",
        refused.err
    );
    // The names of the configuration.
    let with_names = registry.repository("hub", "names = [\"mlflow\"]\n");
    machine.configure(&format!("{with_names}{}", machine::trust(&machine)));
    let listed = machine.ext(&list);
    assert_eq!(
        listed.err,
        "hub: 1 package, from `names` in the configuration; the source cannot list its packages\n"
    );
    assert!(listed.fine().contains("mlflow"));
    // The index.
    machine
        .ext(&["package", "index", "--sign-with", "me.key"])
        .fine();
    let wide = [&list[..], &["-o", "wide"]].concat();
    let search = ["package", "search", "flow", "--refresh"];
    for asking in [&list[..], &wide, &search] {
        let listed = machine.ext(asking);
        assert_eq!(listed.err, "hub: 1 package, from the index\n", "{asking:?}");
        assert!(listed.fine().contains("mlflow"));
    }
    // JSON output has the method in its data.
    let json = machine.ext(&[&list[..], &["-o", "json"]].concat());
    assert_eq!(json.err, "");
    assert_eq!(read(&json.fine())["sources"][0]["way"], "index");
    let names = machine.ext(&[&list[..], &["-o", "name"]].concat());
    assert_eq!((names.err.as_str(), names.out.as_str()), ("", "mlflow\n"));
}

#[test]
fn discovery_method_is_shown_only_in_wide_output() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    assert_eq!(machine.ext(&["package", "list"]).err, "");
    let wide = machine.ext(&["package", "list", "-o", "wide"]);
    assert_eq!(wide.err, "team: 1 package, from catalog\n");
}

/// Returns the output on a terminal of 80 columns.
fn on_a_terminal(machine: &Machine, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_kubectl-ext");
    let like = machine.command(&[]);
    let variables = like
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("timeout --foreground 20 {program} {arguments}"))
        .arg("/dev/null")
        .current_dir(machine.path("work"))
        .env_clear()
        .envs(variables)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.replace("\r\n", "\n")
}

#[test]
fn truncates_table_only_on_terminal() {
    let machine = Machine::new();
    let name = format!(
        "tool-{}",
        "with-a-long-name-".repeat(5).trim_end_matches('-')
    );
    let version = "1.0.0-a.very.long.pre.release.of.something";
    machine.publish(&name, version, "");
    machine.publish("mlflow", "1.2.0", "");
    let shown = on_a_terminal(&machine, "package list");
    let table: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("record"))
        .collect();
    assert_eq!(table.len(), 2, "{shown}");
    assert!(
        table.iter().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    assert!(
        table[1].starts_with("tool-with-a-long-name-") && table[1].contains('…'),
        "{shown}"
    );
    assert!(table[1].contains("remote"), "{shown}");
    for form in ["table", "wide"] {
        let whole = machine.ext(&["package", "list", "-o", form]).fine();
        let line = whole.lines().nth(2).unwrap();
        assert!(line.contains(&name) && line.contains(version), "{whole}");
    }
    let wide = on_a_terminal(&machine, "package list -o wide");
    assert!(wide.contains(&name) && wide.contains(version), "{wide}");
}
