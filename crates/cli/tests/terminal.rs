//! On a terminal there are colours, unless somebody does not want them. Driven through a
//! pseudo-terminal, which `script` of util-linux makes.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::process::{Command, Stdio};

use support::ext;

const AMBIGUOUS: &str =
    "explain train-ambiguous -f ../../examples/records -f ../../examples/ambiguous/workflow.yaml";

/// What a person would see, and the exit code.
fn on_a_terminal(arguments: &str, variables: &[(&str, &str)]) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_kubectl-ext");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{program} {arguments}"))
        .arg("/dev/null")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text.replace("\r\n", "\n"))
}

fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}

#[test]
fn a_terminal_gets_colours_and_the_same_text() {
    let (code, text) = on_a_terminal(AMBIGUOUS, &[]);
    assert_eq!(code, 1);
    assert!(text.contains("\x1b[31mAmbiguous\x1b[0m"), "{text:?}");
    let arguments: Vec<&str> = AMBIGUOUS.split(' ').collect();
    let piped = ext(&arguments);
    assert!(!piped.out.contains('\x1b'));
    assert_eq!(without_colours(&text), piped.out);
}

#[test]
fn colours_can_be_switched_off() {
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (_, text) = on_a_terminal(AMBIGUOUS, &[variable]);
        assert!(!text.contains('\x1b'), "{variable:?}");
    }
    // <https://no-color.org>: an empty variable counts for nothing.
    let (_, text) = on_a_terminal(AMBIGUOUS, &[("NO_COLOR", "")]);
    assert!(text.contains('\x1b'));
}

#[test]
fn every_verb_says_how_it_is_used() {
    for verb in [
        "list",
        "run",
        "register",
        "unregister",
        "describe",
        "resolve",
        "explain",
        "whatif",
        "render",
        "lint",
        "convert",
        "status",
        "doctor",
        "completion",
        "version",
    ] {
        let (code, text) = on_a_terminal(&format!("{verb} --help"), &[]);
        assert_eq!(code, 0, "{verb}");
        let plain = without_colours(&text);
        assert!(
            plain.contains(&format!("Usage: kubectl ext {verb}")),
            "{verb}: {plain}"
        );
    }
}
