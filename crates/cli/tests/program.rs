//! Tests of the program itself: output that cannot be written, its version, completion.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};

use support::ext;

const RECORDS: &str = "../../examples/records";

/// A closed pipe, as by `head`, is not an error; a full disk is.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_error_and_closed_pipe_is_not() {
    let list = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-ext"));
        command.args(["list", "-f", "-"]).stdout(stdout);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let ended = |mut child: Child| {
        // Output is written after all input was read, so the pipe is closed by then.
        drop(child.stdout.take());
        let records = fs::read(format!("{RECORDS}/mlflow-0001.yaml")).unwrap();
        child.stdin.take().unwrap().write_all(&records).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(ended(list(Stdio::piped())), (Some(0), String::new()));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, err) = ended(list(full.into()));
    assert_eq!(code, Some(1));
    assert!(err.contains("error: failed to write the output"), "{err}");
}

#[test]
fn version_and_completion() {
    let output = ext(&["version"]);
    assert_eq!(output.code, 0);
    assert!(output.out.contains("registry.fuseml.io/v1alpha1"));
    for shell in ["bash", "zsh", "fish"] {
        let output = ext(&["completion", shell]);
        assert_eq!(output.code, 0);
        assert!(output.out.contains("whatif"), "{shell}");
    }
    assert_eq!(ext(&["no-such-verb"]).code, 2);
}

/// The last word is incomplete, as passed by kubectl.
#[test]
fn completes_commands_options_and_values() {
    let complete = |words: &[&str]| ext(&[&["__complete"], words].concat()).out;
    assert_eq!(complete(&["wh"]), "whatif\n:4\n");
    assert!(complete(&[""]).contains("lint\n"));
    assert!(!complete(&["_"]).contains("complete"));
    assert_eq!(complete(&["list", "--prod"]), "--product\n:4\n");
    assert_eq!(complete(&["list", "-o", "w"]), "wide\n:4\n");
    assert_eq!(complete(&["list", "--output=w"]), "--output=wide\n:4\n");
    assert_eq!(complete(&["completion", "f"]), "fish\n:4\n");
    assert_eq!(complete(&["render", "ex"]), ":0\n");
    assert_eq!(complete(&["lint", "-f", ""]), ":0\n");
    assert_eq!(complete(&["nothing", ""]), ":4\n");
    let script = ext(&["completion", "kubectl"]).out;
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
}

#[test]
fn completes_nested_commands() {
    let complete = |words: &[&str]| ext(&[&["__complete"], words].concat()).out;
    let verbs = complete(&["package", ""]);
    for verb in ["pull\n", "search\n", "key\n"] {
        assert!(verbs.contains(verb), "{verbs}");
    }
    assert!(verbs.ends_with(":4\n"), "{verbs}");
    assert_eq!(
        complete(&["package", "veri"]),
        "verify\nverify-closure\n:4\n"
    );
    assert!(complete(&["package", "key", ""]).contains("generate\n"));
    assert!(complete(&["package", "pull", "--"]).contains("--version\n"));
    assert_eq!(complete(&["package", "list", "-o", "js"]), "json\n:4\n");
    assert_eq!(complete(&["package", "nothing", ""]), ":4\n");
    // Names of packages are not file names.
    assert_eq!(complete(&["package", "pull", ""]), ":4\n");
    assert_eq!(complete(&["package", "publish", ""]), ":0\n");
    assert_eq!(complete(&["describe", ""]), ":4\n");
}
