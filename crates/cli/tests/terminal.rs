//! Tests of colors and prompts on a terminal, with a pseudo-terminal
//! created by `script` of util-linux.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use support::ext;
use support::server::{Server, list, refusal};

const AMBIGUOUS: &str =
    "explain train-ambiguous -f ../../examples/records -f ../../examples/ambiguous/workflow.yaml";

/// Runs a command on a terminal, and returns the exit code and the output.
fn on_terminal(arguments: &str, variables: &[(&str, &str)]) -> (i32, String) {
    answer_on_terminal(arguments, variables, &[])
}

/// Runs a command on a terminal, and answers its prompts.
fn answer_on_terminal(
    arguments: &str,
    variables: &[(&str, &str)],
    answers: &[(&str, &str)],
) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_kubectl-ext");
    // `--foreground`: if the shell does not replace itself with its command, `timeout` has its own process group,
    // which cannot read from the terminal.
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("timeout --foreground 20 {program} {arguments}"))
        .arg("/dev/null")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = Vec::new();
    let mut answered = 0;
    for (question, answer) in answers {
        // The output ends before the prompt only if the program failed.
        let mut byte = [0];
        while !String::from_utf8_lossy(&text[answered..]).ends_with(question) {
            assert_eq!(
                stdout.read(&mut byte).unwrap(),
                1,
                "no prompt {question}: {}",
                String::from_utf8_lossy(&text)
            );
            text.push(byte[0]);
        }
        answered = text.len();
        writeln!(stdin, "{answer}").unwrap();
    }
    stdout.read_to_end(&mut text).unwrap();
    let status = child.wait().unwrap();
    let text = String::from_utf8(text).unwrap();
    (status.code().unwrap(), text.replace("\r\n", "\n"))
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
fn colors_output_on_terminal() {
    let (code, text) = on_terminal(AMBIGUOUS, &[]);
    assert_eq!(code, 1);
    assert!(text.contains("\x1b[31mAmbiguous\x1b[0m"), "{text:?}");
    let arguments: Vec<&str> = AMBIGUOUS.split(' ').collect();
    let piped = ext(&arguments);
    assert!(!piped.out.contains('\x1b'));
    assert_eq!(without_colours(&text), piped.out);
}

#[test]
fn colors_can_be_disabled() {
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (_, text) = on_terminal(AMBIGUOUS, &[variable]);
        assert!(!text.contains('\x1b'), "{variable:?}");
    }
    // <https://no-color.org>: an empty variable is ignored.
    let (_, text) = on_terminal(AMBIGUOUS, &[("NO_COLOR", "")]);
    assert!(text.contains('\x1b'));
}

#[test]
fn every_command_prints_usage() {
    for verb in [
        "list",
        "run",
        "register",
        "unregister",
        "update",
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
        let (code, text) = on_terminal(&format!("{verb} --help"), &[]);
        assert_eq!(code, 0, "{verb}");
        let plain = without_colours(&text);
        assert!(
            plain.contains(&format!("Usage: kubectl ext {verb}")),
            "{verb}: {plain}"
        );
    }
}

#[test]
fn prompts_for_missing_parameters_and_hides_secrets() {
    let (code, text) = answer_on_terminal(
        "register git --from-template gitea --dry-run",
        &[],
        &[
            (
                "url (Address of the server, e.g. https://gitea.example.org): ",
                "https://git.example.org",
            ),
            // A typo, corrected with backspace.
            (
                "password (Password or token of that user): ",
                "canary\u{e9}\u{7f}-2a41",
            ),
            ("username (User that steps log in as): ", "canary-2a41-user"),
        ],
    );
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("url: https://git.example.org"), "{text}");
    assert_eq!(text.matches("[redacted]").count(), 2, "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// The user must not enter passwords in vain.
#[test]
fn checks_cluster_before_prompting() {
    let nowhere = [("KUBECONFIG", "/nowhere/kubeconfig")];
    // A port without a listener.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let silent = tempfile::NamedTempFile::new().unwrap();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "users": [{"name": "a", "user": {}}],
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    });
    std::fs::write(silent.path(), config.to_string()).unwrap();
    let silent = silent.path().display().to_string();
    for (variables, why) in [
        (nowhere, "cannot connect to a cluster"),
        ([("KUBECONFIG", &*silent)], "failed to query the cluster"),
    ] {
        for arguments in [
            "register tracker --from-template mlflow",
            "register store --url http://store:9000 --credential KEY=prompt --yes",
        ] {
            let (code, text) = on_terminal(arguments, &variables);
            assert_eq!(code, 1, "{text}");
            assert!(text.contains(why), "{text}");
            assert!(!text.contains("url (") && !text.contains("KEY: "), "{text}");
        }
    }
}

#[test]
fn repeats_prompt_after_invalid_answer() {
    let url = "url (Address of the server, e.g. https://gitea.example.org): ";
    let password = "password (Password or token of that user): ";
    let (code, text) = answer_on_terminal(
        "register git --from-template gitea --dry-run",
        &[],
        &[
            (url, ""),
            (url, "not an address"),
            (url, "https://ada:canary-2a41@git.example.org"),
            (url, "https://git.example.org"),
            (password, ""),
            (password, "canary-2a41"),
            ("username (User that steps log in as): ", "ada"),
        ],
    );
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches("a value is required").count(), 2, "{text}");
    assert!(text.contains("not an address"), "{text}");
    assert!(
        text.contains("must not contain a user name or password"),
        "{text}"
    );
    assert!(text.contains("url: https://git.example.org"), "{text}");
}

#[test]
fn reports_end_of_input() {
    let url = "url (Address of the server, e.g. https://gitea.example.org): ";
    let arguments = "register git --from-template gitea --dry-run";
    let (code, text) = answer_on_terminal(arguments, &[], &[(url, "\u{4}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: no value for url"), "{text}");
    let arguments = "register store --url http://store --credential KEY=prompt --dry-run";
    let (code, text) = answer_on_terminal(arguments, &[], &[("KEY: ", "\u{4}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: no value for KEY"), "{text}");
}

/// Flags are validated before passwords are prompted for.
#[test]
fn validates_flags_before_prompting() {
    for arguments in [
        "register store --url 'not an address' --credential KEY=prompt --dry-run",
        "register store --url http://store --zone 'no zone' --credential KEY=prompt --dry-run",
        "register git --from-template gitea --url 'not an address' --dry-run",
    ] {
        let (code, text) = on_terminal(arguments, &[]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("invalid "), "{text}");
        assert!(
            !text.contains("KEY: ") && !text.contains("password ("),
            "{text}"
        );
    }
}

#[test]
fn interrupt_restores_terminal() {
    let question = "KEY: ";
    let command = "register store --url http://store:9000 --credential KEY=prompt --dry-run";
    let (code, text) = answer_on_terminal(command, &[], &[(question, "half\u{3}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: interrupted"), "{text}");
}

#[test]
fn confirms_password_of_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("new.key");
    let generate = format!("package key generate {}", key.display());
    let answers = |again| {
        [
            ("password for the new key: ", "canary-one"),
            ("same password again: ", again),
        ]
    };
    let (code, text) = answer_on_terminal(&generate, &[], &answers("canary-slip"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the passwords do not match"), "{text}");
    assert!(!key.exists() && !text.contains("canary"), "{text}");
    let (code, text) = answer_on_terminal(&generate, &[], &answers("canary-one"));
    assert_eq!(code, 0, "{text}");
    assert!(key.exists() && !text.contains("canary"), "{text}");
}

#[test]
fn applies_nothing_without_confirmation() {
    let server = Server::start(|_| None);
    let arguments = format!(
        "register store --url http://store:9000 --kubeconfig {}",
        server.kubeconfig()
    );
    let (code, text) = answer_on_terminal(&arguments, &[], &[("Apply this? [y/N] ", "n")]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("error: canceled; nothing was applied"),
        "{text}"
    );
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}

/// The note must be on its own line.
#[test]
fn note_does_not_mix_with_spinner() {
    let server = Server::start(|path| {
        let is_of_all = !path.contains("/namespaces/") && !path.ends_with("/clusterextensions");
        // Long enough for the spinner to appear.
        std::thread::sleep(Duration::from_millis(300));
        Some(if is_of_all {
            refusal(403, "no")
        } else {
            list(&[])
        })
    });
    let arguments = format!("describe store --kubeconfig {}", server.kubeconfig());
    let (code, text) = on_terminal(&arguments, &[]);
    assert_eq!(code, 1);
    assert!(text.contains("querying the cluster"), "{text:?}");
    let note =
        "note: not allowed to list workflows in all namespaces; using namespace `alpha` only\n";
    let (before, _) = text.split_once(note).unwrap();
    assert!(
        before.ends_with(['\r', '\n']) || before.ends_with("\x1b[2K"),
        "{text:?}"
    );
}

#[test]
fn unregister_lists_consumers_and_prompts() {
    let server = Server::start(|path| {
        let records = [json!({"metadata": {"name": "store"}, "spec": {"product": "store"}})];
        let is_record = path.ends_with("/clusterextensions");
        Some(list(if is_record { &records } else { &[] }))
    });
    let arguments = format!("unregister store --kubeconfig {}", server.kubeconfig());
    let question = "Delete ClusterExtension store? [y/N] ";
    let (code, text) = answer_on_terminal(&arguments, &[], &[(question, "n")]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("Not used by any workflow or binding\n"),
        "{text:?}"
    );
    assert!(
        text.contains("error: canceled; nothing was deleted"),
        "{text:?}"
    );
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}
