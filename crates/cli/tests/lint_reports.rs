//! Reports of `lint` for code hosts: references to files, and limits.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::ext_in;

const WRONG: &str = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: x}\nspec: {prodct: x}\n";

/// Runs `lint` in a folder; returns standard output and standard error.
fn lint(folder: &Path, arguments: &[&str], input: &str) -> (String, String) {
    let output = ext_in(folder, &[&["lint"], arguments].concat(), input);
    assert_eq!(output.code, 1);
    (output.out, output.err)
}

fn run_of(log: &str) -> Value {
    let log: Value = serde_json::from_str(log).unwrap();
    log["runs"][0].clone()
}

fn uri(result: &Value) -> &str {
    let place = &result["locations"][0]["physicalLocation"];
    place["artifactLocation"]["uri"].as_str().unwrap()
}

#[test]
fn files_are_relative_to_the_repository_or_have_a_scheme() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    let working = repository.join("infra");
    fs::create_dir_all(working.join("my records")).unwrap();
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(&repository)
        .status();
    assert!(made.unwrap().success());
    fs::write(working.join("my records/a#1.yaml"), WRONG).unwrap();
    fs::write(repository.join("b.yaml"), WRONG).unwrap();
    let outside = folder.path().join("c.yaml");
    fs::write(&outside, WRONG).unwrap();
    let absolute = repository.join("b.yaml");
    for (file, expected) in [
        ("my records", "infra/my%20records/a%231.yaml".to_owned()),
        ("../b.yaml", "b.yaml".to_owned()),
        (absolute.to_str().unwrap(), "b.yaml".to_owned()),
        ("../../c.yaml", format!("file://{}", outside.display())),
    ] {
        let (out, _) = lint(&working, &[file, "-o", "sarif"], "");
        let run = run_of(&out);
        assert_eq!(uri(&run["results"][0]), expected, "{file}");
        let region = &run["results"][0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["startLine"], 4);
    }
    let (out, _) = lint(&working, &["my records", "-o", "github"], "");
    assert!(
        out.starts_with("::error file=infra/my records/a#1.yaml,line=4,col=8,"),
        "{out}"
    );
}

#[test]
fn standard_input_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (out, _) = lint(folder.path(), &["-f", "-", "-o", "sarif"], WRONG);
    let result = run_of(&out)["results"][0].clone();
    assert_eq!(result.get("locations"), None);
    let text = result["message"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("line 4, column 8: ClusterExtension x: "),
        "{text}"
    );
    let (out, _) = lint(folder.path(), &["-f", "-", "-o", "github"], WRONG);
    assert!(
        out.starts_with("::error title=unknown-field::line 4, column 8: ClusterExtension x: "),
        "{out}"
    );
}

#[test]
fn sarif_has_at_most_25000_results() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    // Each record has one warning and one error; the last ones would be cut off.
    for number in 0..13_000 {
        write!(
            text,
            "---\napiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: x{number}, namespace: y}}\nspec: {{prodct: x}}\n"
        )
        .unwrap();
    }
    fs::write(folder.path().join("many.yaml"), text).unwrap();
    let (all, _) = lint(folder.path(), &["many.yaml", "-o", "json"], "");
    let all: Value = serde_json::from_str(&all).unwrap();
    let all = all["findings"].as_array().unwrap().clone();
    assert!(all.len() > 25_000, "{}", all.len());
    let (out, error) = lint(folder.path(), &["many.yaml", "-o", "sarif"], "");
    let run = run_of(&out);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let count =
        |list: &[Value], level: &str| list.iter().filter(|one| one["level"] == level).count();
    assert_eq!(
        count(results, "error"),
        count(&all, "error").min(25_000),
        "errors come first"
    );
    let left = all.len() - 25_000;
    let message = format!("{left} findings were omitted: GitHub accepts at most 25000");
    assert!(
        error.contains(&message) && error.contains("hint: lint fewer files"),
        "{error}"
    );
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    let text = notification["message"]["text"].as_str().unwrap();
    assert!(text.starts_with(&message), "{text}");
}
