//! Which files are read, and what is said where nothing is.
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

/// A folder with a record in a file.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), RECORD).unwrap();
    folder
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A link that leads back would be followed until the system had enough of it, and two of them for ever.
#[test]
fn each_file_is_read_once_whatever_links_lead_to_it() {
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

/// Nobody writes to a pipe that lies in a folder. One that was named, as a shell does with `<(…)`, is read.
#[test]
fn a_pipe_is_waited_for_only_where_it_was_named() {
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
fn what_goes_on_for_ever_has_an_end() {
    let output = ext(&["lint", "/dev/zero"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert_eq!(
        output.err,
        "error: failed to read /dev/zero: more than 256 MiB\n"
    );
}

/// As `kubectl apply` does: the path may be wrong, or the program before the pipe.
#[test]
fn where_no_object_is_nothing_is_fine() {
    for verb in ["lint", "render", "convert", "list", "resolve"] {
        for text in ["", "# nothing\n", "---\n---\n"] {
            let output = ext_with(&[verb, "-f", "-"], text);
            assert_eq!((output.code, &*output.out), (1, ""), "{verb} {text:?}");
            assert!(
                output.err.contains("0 objects read from -"),
                "{verb}: {}",
                output.err
            );
        }
    }
    // What is no YAML at all is said as that.
    let output = ext_with(&["lint", "-f", "-"], "a: [");
    assert_eq!((output.code, &*output.err), (1, ""));
}

/// Many a file of a repository is of no interest here. That alone is no mistake, but heard.
#[test]
fn where_no_object_is_ours_that_is_said() {
    let other = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    for (verb, said) in [
        (
            "lint",
            "note: no record and no workflow is among what was read\n",
        ),
        (
            "render",
            "note: no workflow is among what was read, so nothing is rendered\n",
        ),
    ] {
        let output = ext_with(&[verb, "-f", "-"], other);
        assert_eq!((output.code, &*output.out, &*output.err), (0, "", said));
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
fn a_helm_chart_is_left_out_with_the_way_to_look_at_it() {
    let root = folder();
    let chart = root.path().join("charts/tool");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "name: tool\n").unwrap();
    fs::write(chart.join("templates/a.yaml"), "{{- if .Values.a }}\n").unwrap();
    let output = ext(&["lint", "--strict", text(root.path())]);
    assert_eq!((output.code, &*output.out), (0, ""));
    let hint = format!(
        "helm template {} | kubectl ext lint -f -\n",
        chart.display()
    );
    let note = format!(
        "note: {} is a Helm chart, and was left out; {hint}",
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

/// What another program builds is no empty folder, and the way out is one of the verb that was typed.
#[test]
fn a_folder_of_kustomize_is_said_to_be_one() {
    const FOLDER: &str = "../../examples/gitops/overlays/dev";
    let output = ext(&["describe", "training-data", "-f", FOLDER]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: nothing to read: ../../examples/gitops/overlays/dev is built by kustomize
      hint: kubectl kustomize ../../examples/gitops/overlays/dev | kubectl ext describe NAME -f -
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
