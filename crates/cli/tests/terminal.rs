//! On a terminal there are colours, unless somebody does not want them. Driven through a
//! pseudo-terminal, which `script` of util-linux makes.
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

/// What a person would see, and the exit code.
fn on_a_terminal(arguments: &str, variables: &[(&str, &str)]) -> (i32, String) {
    asked_on_a_terminal(arguments, variables, &[])
}

/// The same, of a person who gives an answer to each question.
fn asked_on_a_terminal(
    arguments: &str,
    variables: &[(&str, &str)],
    answers: &[(&str, &str)],
) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_kubectl-ext");
    // `--foreground`: a shell that does not give way to its one command leaves `timeout` in a group of its own,
    // which may not read from the terminal.
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
        // The end is there before the question only if the program gave up.
        let mut byte = [0];
        while !String::from_utf8_lossy(&text[answered..]).ends_with(question) {
            assert_eq!(
                stdout.read(&mut byte).unwrap(),
                1,
                "never asked {question}: {}",
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
        let (code, text) = on_a_terminal(&format!("{verb} --help"), &[]);
        assert_eq!(code, 0, "{verb}");
        let plain = without_colours(&text);
        assert!(
            plain.contains(&format!("Usage: kubectl ext {verb}")),
            "{verb}: {plain}"
        );
    }
}

#[test]
fn what_is_missing_is_asked_for_and_a_secret_is_not_shown() {
    let (code, text) = asked_on_a_terminal(
        "register git --from-template gitea --dry-run",
        &[],
        &[
            (
                "url (Address of the server, like https://gitea.example.org): ",
                "https://git.example.org",
            ),
            // Somebody mistypes, and takes it back.
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

/// Nobody types passwords for nothing.
#[test]
fn nothing_is_asked_where_there_is_no_cluster_to_apply_it_to() {
    let nowhere = [("KUBECONFIG", "/nowhere/kubeconfig")];
    // A port that nobody listens on.
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
        (nowhere, "no cluster to ask"),
        ([("KUBECONFIG", &*silent)], "failed to ask the cluster"),
    ] {
        for arguments in [
            "register tracker --from-template mlflow",
            "register store --url http://store:9000 --credential KEY=prompt --yes",
        ] {
            let (code, text) = on_a_terminal(arguments, &variables);
            assert_eq!(code, 1, "{text}");
            assert!(text.contains(why), "{text}");
            assert!(!text.contains("url (") && !text.contains("KEY: "), "{text}");
        }
    }
}

#[test]
fn an_answer_that_is_none_is_asked_for_again() {
    let url = "url (Address of the server, like https://gitea.example.org): ";
    let password = "password (Password or token of that user): ";
    let (code, text) = asked_on_a_terminal(
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
    assert_eq!(text.matches("nothing was said").count(), 2, "{text}");
    assert!(text.contains("not an address"), "{text}");
    assert!(
        text.contains("must not contain a user or password"),
        "{text}"
    );
    assert!(text.contains("url: https://git.example.org"), "{text}");
}

#[test]
fn who_ends_the_input_is_told_what_was_asked() {
    let url = "url (Address of the server, like https://gitea.example.org): ";
    let arguments = "register git --from-template gitea --dry-run";
    let (code, text) = asked_on_a_terminal(arguments, &[], &[(url, "\u{4}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: nothing was said for url"), "{text}");
    let arguments = "register store --url http://store --credential KEY=prompt --dry-run";
    let (code, text) = asked_on_a_terminal(arguments, &[], &[("KEY: ", "\u{4}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: nothing was said for KEY"), "{text}");
}

/// What was typed on the command line is wrong before anybody types a password.
#[test]
fn what_cannot_be_right_is_said_before_anything_is_asked() {
    for arguments in [
        "register store --url 'not an address' --credential KEY=prompt --dry-run",
        "register store --url http://store --zone 'no zone' --credential KEY=prompt --dry-run",
        "register git --from-template gitea --url 'not an address' --dry-run",
    ] {
        let (code, text) = on_a_terminal(arguments, &[]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("invalid "), "{text}");
        assert!(
            !text.contains("KEY: ") && !text.contains("password ("),
            "{text}"
        );
    }
}

#[test]
fn an_interrupt_leaves_the_terminal_as_it_was() {
    let question = "KEY: ";
    let command = "register store --url http://store:9000 --credential KEY=prompt --dry-run";
    let (code, text) = asked_on_a_terminal(command, &[], &[(question, "half\u{3}")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: interrupted"), "{text}");
}

#[test]
fn the_password_of_a_new_key_is_asked_for_twice() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("new.key");
    let generate = format!("package key generate {}", key.display());
    let answers = |again| {
        [
            ("password of the new key: ", "canary-one"),
            ("same password again: ", again),
        ]
    };
    let (code, text) = asked_on_a_terminal(&generate, &[], &answers("canary-slip"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the passwords do not match"), "{text}");
    assert!(!key.exists() && !text.contains("canary"), "{text}");
    let (code, text) = asked_on_a_terminal(&generate, &[], &answers("canary-one"));
    assert_eq!(code, 0, "{text}");
    assert!(key.exists() && !text.contains("canary"), "{text}");
}

#[test]
fn nothing_is_applied_without_a_yes() {
    let server = Server::start(|_| None);
    let arguments = format!(
        "register store --url http://store:9000 --kubeconfig {}",
        server.kubeconfig()
    );
    let (code, text) = asked_on_a_terminal(&arguments, &[], &[("Apply this? [y/N] ", "n")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: nothing was applied"), "{text}");
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}

/// Who may look at one project only is told so, in a line of its own.
#[test]
fn a_note_does_not_end_up_in_the_line_of_the_spinner() {
    let server = Server::start(|path| {
        let is_of_all = !path.contains("/namespaces/") && !path.ends_with("/clusterextensions");
        // Long enough for the spinner to stand there.
        std::thread::sleep(Duration::from_millis(300));
        Some(if is_of_all {
            refusal(403, "no")
        } else {
            list(&[])
        })
    });
    let arguments = format!("describe store --kubeconfig {}", server.kubeconfig());
    let (code, text) = on_a_terminal(&arguments, &[]);
    assert_eq!(code, 1);
    assert!(text.contains("asking the cluster"), "{text:?}");
    let note = "note: you may list workflows of namespace `alpha` only\n";
    let (before, _) = text.split_once(note).unwrap();
    assert!(
        before.ends_with(['\r', '\n']) || before.ends_with("\x1b[2K"),
        "{text:?}"
    );
}

#[test]
fn unregister_says_who_uses_it_and_asks() {
    let server = Server::start(|path| {
        let records = [json!({"metadata": {"name": "store"}, "spec": {"product": "store"}})];
        let is_record = path.ends_with("/clusterextensions");
        Some(list(if is_record { &records } else { &[] }))
    });
    let arguments = format!("unregister store --kubeconfig {}", server.kubeconfig());
    let question = "Delete ClusterExtension store? [y/N] ";
    let (code, text) = asked_on_a_terminal(&arguments, &[], &[(question, "n")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("No workflow uses it.\n"), "{text:?}");
    assert!(text.contains("error: nothing was deleted"), "{text:?}");
    assert!(server.asked().iter().all(|asked| asked.starts_with("GET ")));
}
