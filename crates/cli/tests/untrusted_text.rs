//! No text of a file or package controls the terminal, hides, or forges a line.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod support;

use std::fs;
use std::process::Command;

use extension_registry_yaml::{parse, to_json};
use machine::Machine;
use serde_json::{Value, json};
use support::ext_with;

/// What a value contains: a window title, a cleared screen, a hyperlink, a reversed word, invisible characters, a color,
/// an 8-bit escape sequence, an overwritten line and a forged line.
const EVIL: &str = "v\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}]8;;http://evil\u{1b}\\link\u{202e}abc\u{202c}\u{200b}\u{2066}\
                    \u{feff}\u{e0041}\u{1b}[31mred\u{9b}1;1H\u{7f}\rover\nerror: forged\u{2028}line\u{85}";

/// The same for fields with a short limit.
const SHORT: &str =
    "v\u{1b}]0;t\u{7}\u{1b}[2J\u{202e}abc\u{200b}\u{9b}1m\u{7f}\rover\nerror: forged\u{85}";

/// Returns the characters of an output that must not be there.
fn hidden(output: &str) -> Vec<char> {
    let is_shown = |one: &char| *one == '\n' || (' '..='~').contains(one) || *one == '…';
    output.chars().filter(|one| !is_shown(one)).collect()
}

#[track_caller]
fn assert_shown(what: &str, output: &str) {
    assert!(!output.is_empty(), "{what}: no output");
    assert_eq!(hidden(output), Vec::<char>::new(), "{what}: {output:?}");
    assert!(
        !output.lines().any(|line| line.starts_with("error: forged")),
        "{what}: {output}"
    );
}

fn objects() -> String {
    let record = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ClusterExtension",
        "metadata": {"name": "store", "labels": {EVIL: EVIL}},
        "spec": {
            "product": EVIL,
            "version": EVIL,
            "zone": EVIL,
            "description": EVIL,
            EVIL: EVIL,
            "configuration": [{"name": EVIL, "value": EVIL}],
            "services": [{
                "name": "s3",
                "resource": EVIL,
                "category": EVIL,
                "description": EVIL,
                "endpoints": [{"name": "main", "url": format!("http://store:9000/{EVIL}")}],
                "credentials": [{"name": EVIL, "configuration": [{"name": EVIL, "value": EVIL}]}],
            }],
        },
    });
    let valid = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ClusterExtension",
        "metadata": {"name": "valid", "annotations": {"note": EVIL}},
        "spec": {
            "product": "store",
            "version": SHORT,
            "zone": "eu",
            "description": EVIL,
            "configuration": [{"name": "KEY", "value": EVIL}],
            "services": [{
                "name": "s3",
                "resource": "s3",
                "description": EVIL,
                "endpoints": [{"name": "main", "url": "http://store:9000/", "type": "internal"}],
            }],
        },
    });
    let step = json!({
        "name": "a",
        "image": EVIL,
        "extensions": [{"name": "data", "product": "store", "version": EVIL, "zone": EVIL, "resource": EVIL}],
    });
    let workflow = json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "train", "namespace": "alpha"},
        "spec": {"steps": [step]},
    });
    let other = json!({"apiVersion": "registry.fuseml.io/v1alpha1", "kind": EVIL, "metadata": {"name": EVIL}});
    [record, valid, workflow, other]
        .map(|object| to_json(&object).unwrap())
        .join("---\n")
}

#[test]
fn commands_escape_text_of_files() {
    let objects = objects();
    let commands: [&[&str]; 20] = [
        &["list"],
        &["list", "-o", "wide"],
        &["list", "-o", "json"],
        &["list", "-o", "yaml"],
        &["describe", "valid"],
        &["describe", "valid", "-o", "json"],
        &["describe", "valid", "-o", "yaml"],
        &["resolve"],
        &["resolve", "-o", "json"],
        &["resolve", "-o", "yaml"],
        &["explain", "train", "-n", "alpha"],
        &["explain", "train", "-n", "alpha", "-o", "yaml"],
        &["lint"],
        &["lint", "-o", "github"],
        &["lint", "-o", "sarif"],
        &["lint", "-o", "json"],
        &["render"],
        &["render", "-o", "json"],
        &["whatif", "--delete", "valid"],
        &["convert", "-o", "json"],
    ];
    for arguments in commands {
        let output = ext_with(&[arguments, &["-f", "-"]].concat(), &objects);
        let printed = format!("{}{}", output.out, output.err);
        assert_shown(&arguments.join(" "), &printed);
    }
}

/// The text of errors in the syntax comes from the file too.
#[test]
fn commands_escape_text_of_broken_files() {
    for text in [
        format!("a: [\"{EVIL}"),
        format!("{EVIL}: {{"),
        format!("a: *{EVIL}"),
        format!(
            "apiVersion: v1\nkind: \"{}\"\nmetadata: x",
            EVIL.escape_default()
        ),
    ] {
        let output = ext_with(&["lint", "-f", "-"], &text);
        let printed = format!("{}{}", output.out, output.err);
        assert_shown(&text, &printed);
    }
}

#[test]
fn convert_escapes_text_and_keeps_values() {
    let record = json!({
        "id": "store",
        "product": "store",
        "description": EVIL,
        "services": [{"id": "s3", "configuration": {"V": EVIL}, "endpoints": [{"url": "http://store:9000"}]}],
    });
    let mut found = Vec::new();
    for format in ["yaml", "json"] {
        let output = ext_with(&["convert", "-", "-o", format], &to_json(&record).unwrap());
        assert_eq!(output.code, 0, "{}", output.err);
        assert_shown(format, &output.out);
        let (documents, errors) = parse(&output.out);
        assert!(errors.is_empty(), "{}", output.out);
        let document = documents[0].0.clone();
        let object = document.pointer("/items/0").cloned();
        found.push(object.unwrap_or(document));
    }
    assert_eq!(found[0], found[1]);
    let value = found[0].pointer("/spec/services/0/configuration/0/value");
    assert_eq!(value.and_then(Value::as_str), Some(EVIL));
}

#[test]
fn package_commands_escape_text_of_packages() {
    let machine = Machine::new();
    let manifest = json!({
        "extension": {"name": "tool", "version": "1.0.0", "description": EVIL},
        "templates": [{"file": "templates/main.yaml"}],
        "parameters": {"url": {"description": EVIL, "default": EVIL, "example": EVIL}},
        "metadata": {"license": "MIT", "authors": [EVIL], "homepage": EVIL, "keywords": [EVIL]},
    });
    let folder = machine.path("work/tool");
    fs::create_dir_all(folder.join("templates")).unwrap();
    fs::write(folder.join("extension.yaml"), to_json(&manifest).unwrap()).unwrap();
    fs::write(
        folder.join("README.md"),
        format!("# Tool\n\n{}\n", EVIL.replace('\n', " ")),
    )
    .unwrap();
    let template =
        to_json(&json!({"product": "tool", "description": EVIL, "zone": "${url}"})).unwrap();
    fs::write(folder.join("templates/main.yaml"), template).unwrap();
    let publish = ["package", "publish", "tool", "--sign-with", "me.key"];
    let output = machine.ext(&publish);
    assert_shown("publish", &(output.out + &output.err));
    for arguments in [
        &["package", "discover"][..],
        &["package", "info", "tool"],
        &["package", "info", "tool", "-o", "yaml"],
        &["package", "docs", "tool"],
        &["package", "pull", "tool"],
        &[
            "register",
            "x",
            "--from-template",
            "package:tool",
            "--dry-run",
        ],
    ] {
        let output = machine.ext(arguments);
        assert_shown(&arguments.join(" "), &(output.out + &output.err));
    }
}

/// On a terminal with colors, only those of the program itself appear.
#[test]
fn terminal_gets_only_own_sequences() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("objects.yaml");
    fs::write(&file, objects()).unwrap();
    let program = env!("CARGO_BIN_EXE_kubectl-ext");
    for arguments in [
        "lint",
        "resolve",
        "explain train -n alpha",
        "list",
        "describe valid",
    ] {
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{program} {arguments} -f {}", file.display()))
            .arg("/dev/null")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut plain = text.replace("\r\n", "\n");
        for own in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[33m"] {
            plain = plain.replace(own, "");
        }
        assert_shown(arguments, &plain);
        assert!(!text.contains("\u{1b}[31mred"), "{arguments}: {text:?}");
    }
}
