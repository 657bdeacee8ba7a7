//! Tests of reading files, folders and standard input.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::{ext, ext_with};
use tempfile::TempDir;

const RECORD: &str = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store}
";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Creates a folder with a record.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), RECORD).unwrap();
    folder
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Following links in a cycle would not terminate.
#[test]
fn reads_each_file_once_despite_links() {
    let root = folder();
    let below = root.path().join("below");
    fs::create_dir(&below).unwrap();
    fs::write(below.join("b.yaml"), RECORD.replace("store", "other")).unwrap();
    symlink("..", below.join("up")).unwrap();
    let list = |path: &Path| ext(&["list", "-o", "name", "-f", text(path)]);
    let both = "other/other\nstore/store\n";
    for path in [root.path(), &below] {
        let output = list(path);
        assert_eq!((output.code, &*output.out), (0, both), "{}", output.err);
    }
    for link in ["p", "q"] {
        symlink(".", root.path().join(link)).unwrap();
    }
    symlink("a.yaml", root.path().join("same.yaml")).unwrap();
    symlink("nowhere", root.path().join("nowhere")).unwrap();
    let output = list(root.path());
    assert_eq!((output.code, &*output.out), (0, both), "{}", output.err);
    let file = root.path().join("a.yaml");
    let output = ext(&["lint", text(root.path()), text(&file)]);
    assert_eq!((output.code, &*output.out), (0, ""), "{}", output.err);
}

/// Reading a pipe in a folder could block. A pipe given by name, such as `<(…)`, is read.
#[test]
fn reads_pipe_only_if_named() {
    let root = folder();
    let pipe = root.path().join("pipe.yaml");
    make_pipe(&pipe);
    let output = ext(&["lint", text(root.path())]);
    assert_eq!(output.code, 0, "{}", output.out);
    assert!(
        output.out.contains("pipe.yaml:1:1: warning[no-file]"),
        "{}",
        output.out
    );
    let name = pipe.clone();
    let writer = std::thread::spawn(move || {
        let mut pipe = File::options().write(true).open(name).unwrap();
        pipe.write_all(RECORD.as_bytes()).unwrap();
    });
    let output = ext(&["list", "-o", "name", "-f", text(&pipe)]);
    writer.join().unwrap();
    assert_eq!((output.code, &*output.out), (0, "store/store\n"));
}

#[test]
fn limits_size_of_endless_files() {
    let output = ext(&["lint", "/dev/zero"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert_eq!(
        output.err,
        "error: failed to read /dev/zero: larger than 256 MiB\n"
    );
}

/// Like `kubectl apply`: the path, or the command before the pipe, may be wrong.
#[test]
fn rejects_input_without_objects() {
    for verb in ["lint", "render", "convert", "list", "resolve"] {
        for text in ["", "# nothing\n", "---\n---\n"] {
            let output = ext_with(&[verb, "-f", "-"], text);
            assert_eq!((output.code, &*output.out), (1, ""), "{verb} {text:?}");
            assert!(
                output.err.contains("no objects found in -"),
                "{verb}: {}",
                output.err
            );
        }
    }
    // Invalid YAML is reported as such.
    let output = ext_with(&["lint", "-f", "-"], "a: [");
    assert_eq!((output.code, &*output.err), (1, ""));
}

/// Repositories contain files of other kinds. That is not an error, but printed as a note.
#[test]
fn notes_if_no_object_belongs_to_registry() {
    let other = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    for (verb, note) in [
        ("lint", "note: no records, workflows or bindings found\n"),
        (
            "render",
            "note: no workflows or bindings found, nothing to render\n",
        ),
    ] {
        let output = ext_with(&[verb, "-f", "-"], other);
        assert_eq!((output.code, &*output.out, &*output.err), (0, "", note));
        let output = ext_with(&[verb, "-f", "-"], &workflow());
        assert_eq!((output.code, &*output.err), (0, ""), "{verb}");
    }
}

fn workflow() -> String {
    RECORD
        .replace("ClusterExtension", "Workflow")
        .replace("{product: store}", "{steps: [{name: a, image: i}]}")
}

#[test]
fn skips_helm_chart_with_hint() {
    let root = folder();
    let chart = root.path().join("charts/tool");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "name: tool\n").unwrap();
    fs::write(chart.join("templates/a.yaml"), "{{- if .Values.a }}\n").unwrap();
    let output = ext(&["lint", "--strict", text(root.path())]);
    assert_eq!((output.code, &*output.out), (0, ""));
    let hint = format!(
        "run `helm template {} | kubectl ext lint -f -`\n",
        chart.display()
    );
    let note = format!(
        "note: skipped: {} is a Helm chart\n  hint: {hint}",
        chart.display()
    );
    assert_eq!(output.err, note);
    let output = ext(&["list", "-f", text(&chart)]);
    assert_eq!(output.code, 1);
    let hint = hint.replace("lint", "list");
    assert!(
        output
            .err
            .ends_with(&format!("is a Helm chart\n  hint: {hint}")),
        "{}",
        output.err
    );
}

/// The hint contains the command that was typed.
#[test]
fn reports_kustomization_with_hint() {
    const FOLDER: &str = "../../examples/gitops/overlays/dev";
    let output = ext(&["describe", "training-data", "-f", FOLDER]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: no objects found: ../../examples/gitops/overlays/dev is built by kustomize
      hint: run `kubectl kustomize ../../examples/gitops/overlays/dev | kubectl ext describe NAME -f -`
    ");
    let output = ext(&["whatif", "--delete", "x", "--base", FOLDER]);
    assert!(
        output
            .err
            .contains(&format!("--base <(kubectl kustomize {FOLDER})")),
        "{}",
        output.err
    );
}
