//! What is written about the commands is what they say.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use extension_registry_cli::documentation;
use support::schema::fits;

#[test]
fn the_reference_and_the_man_pages_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let hint = "make docs writes it anew";
    let written = fs::read_to_string(docs.join("commands.md")).unwrap();
    assert!(
        written == documentation::reference(),
        "docs/commands.md: {hint}"
    );
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
fn answers_are_as_their_schemas_say() {
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
