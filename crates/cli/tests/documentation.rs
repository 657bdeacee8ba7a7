//! Tests that generated documentation matches the commands.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use extension_registry_cli::documentation;
use support::schema::fits;

#[test]
fn generated_documentation_is_current() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let hint = "update it with `make docs`";
    let written = fs::read_to_string(docs.join("reference/commands.md")).unwrap();
    assert!(
        written == documentation::reference(),
        "docs/reference/commands.md: {hint}"
    );
    for (name, text) in extension_registry_api::reference::pages().unwrap() {
        let written = fs::read_to_string(docs.join("reference/api").join(&name));
        let written = written.unwrap_or_default();
        assert!(written == text, "docs/reference/api/{name}: {hint}");
    }
    let pages = documentation::pages().unwrap();
    for (name, text) in &pages {
        let written = fs::read(docs.join("man").join(name)).unwrap_or_default();
        assert!(written == *text, "docs/man/{name}: {hint}");
    }
    for (name, schema) in documentation::schemas() {
        let written = fs::read_to_string(docs.join(format!("schemas/{name}.json")));
        let text = documentation::schema_text(&schema).unwrap();
        assert!(written.unwrap_or_default() == text, "{name}.json: {hint}");
    }
    let names: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let files: BTreeSet<String> = fs::read_dir(docs.join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, files);
}

#[test]
fn output_matches_schemas() {
    fn with<'a>(arguments: &[&'a str], files: &[&'a str]) -> Vec<&'a str> {
        [arguments, files, &["-o", "json"]].concat()
    }
    let files = [
        "-f",
        "../../examples/records",
        "-f",
        "../../examples/workflows",
    ];
    let base = [
        "--base",
        "../../examples/records",
        "--base",
        "../../examples/workflows",
    ];
    let answers = [
        ("list", with(&["list"], &files)),
        (
            "describe",
            with(&["describe", "seldon-core-production"], &files),
        ),
        ("resolve", with(&["resolve"], &files)),
        (
            "explain",
            with(&["explain", "train-explicit", "--all"], &files),
        ),
        (
            "whatif",
            with(&["whatif", "--delete", "mlflow-0001"], &base),
        ),
        ("lint", with(&["lint", "tests/data/mistakes"], &[])),
        ("version", with(&["version"], &[])),
    ];
    for (name, arguments) in answers {
        fits(name, &support::ext(&arguments).out);
    }
}

#[test]
fn package_output_matches_schemas() {
    let machine = machine::Machine::new();
    machine.publish("base", "1.0.0", "");
    let more = "dependencies: [base]\nrequires: [docker]\nprovides: [{product: app}]\nparameters: {key: {description: k, secret: true}}\n";
    let folder = machine.package("app", "1.0.0", more);
    let publish = ["publish", &folder, "--sign-with", "me.key"];
    for (name, arguments) in [
        ("package-publish", &publish[..]),
        ("package-list", &["list"]),
        ("package-list", &["search", "app"]),
        ("package-list", &["discover"]),
        ("package-info", &["info", "app"]),
        ("package-versions", &["versions", "app"]),
        ("package-pull", &["pull", "app", "--with-deps"]),
        ("package-load", &["load", "app"]),
        ("package-verify", &["verify", "app"]),
        ("package-repositories", &["repositories"]),
        ("package-config-show", &["config", "show"]),
        ("package-cache-list", &["cache", "list"]),
        ("package-cache-stats", &["cache", "stats"]),
        ("package-docs", &["docs", "app"]),
        ("package-docs", &["docs", "app", "--offline"]),
        (
            "package-sign",
            &["sign", "app", "--version", "1.0.0", "--key", "me.key"],
        ),
        ("package-index", &["index", "team", "--sign-with", "me.key"]),
        ("package-forget", &["forget", "team"]),
        ("package-verify-closure", &["verify-closure", "team"]),
        (
            "package-mirror",
            &["mirror", "--all-versions", "--to", "./other"],
        ),
        ("package-delete", &["delete", "app", "1.0.0", "--yes"]),
        ("package-cache-prune", &["cache", "prune"]),
        ("package-cache-clear", &["cache", "clear", "--all", "--yes"]),
        ("package-init", &["init", "begun"]),
        (
            "package-key-generate",
            &["key", "generate", "--no-password", "my.key"],
        ),
        ("package-key-show", &["key", "show", "my.key.pub"]),
        ("package-key-approve", &["key", "approve", "my.key.pub"]),
        (
            "package-version-compare",
            &["version", "compare", "1.9.0", "1.10.0"],
        ),
        (
            "package-version-sort",
            &["version", "sort", "1.9.0", "1.10.0"],
        ),
        (
            "package-version-satisfies",
            &["version", "satisfies", "1.9.0", "^1"],
        ),
    ] {
        let whole = [&["package"], arguments, &["-o", "json"]].concat();
        let output = machine.ext(&whole);
        assert_eq!(output.code, 0, "{whole:?}: {}", output.err);
        fits(name, &output.out);
    }
    let login = [
        "package",
        "login",
        "localhost:5000",
        "-u",
        "me",
        "--password-stdin",
        "-o",
        "json",
    ];
    fits(
        "package-login",
        &machine.ext_with(&login, "a-password").fine(),
    );
    let logout = ["package", "logout", "localhost:5000", "-o", "json"];
    fits("package-logout", &machine.ext(&logout).fine());
    let unreachable = [
        "package",
        "test-oci",
        "--source",
        "oci",
        "--registry",
        "127.0.0.1:9",
        "-o",
        "json",
    ];
    let output = machine.ext(&unreachable);
    assert_eq!(output.code, 11, "network failure: {}", output.err);
    fits("package-test-oci", &output.out);
}

/// Commands without an output format.
const NO_DATA: [&str; 2] = ["completion", "ui"];

#[test]
fn every_command_has_output_formats() {
    let pages = documentation::pages().unwrap();
    let pages: BTreeMap<String, String> = pages
        .into_iter()
        .map(|(name, text)| {
            let name = name
                .trim_start_matches("kubectl-ext-")
                .trim_end_matches(".1");
            let text = String::from_utf8(text).unwrap().replace("\\-", "-");
            (name.to_owned(), text)
        })
        .collect();
    let silent: Vec<&str> = pages
        .iter()
        .filter(|(_, text)| !text.contains(".SH SUBCOMMANDS") && !text.contains("--output"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(silent, NO_DATA);
}
