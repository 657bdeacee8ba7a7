//! `kubectl ext package` on machines with a wrong variable, an unwritable home, or files with byte order marks.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;
use std::process::Output;

use machine::Machine;

fn run(machine: &Machine, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = machine.command(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn invalid_source_date_fails_publishing() {
    let machine = Machine::new();
    let folder = machine.package("tool", "1.2.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    for value in ["abc", "-1", "1e9"] {
        let output = run(&machine, &publish, &[("SOURCE_DATE_EPOCH", value)]);
        assert_eq!(output.status.code(), Some(1));
        let text = error(&output);
        assert!(
            text.contains(&format!("invalid SOURCE_DATE_EPOCH `{value}`"))
                && text.contains("hint: unset it"),
            "{text}"
        );
        assert!(!machine.path("repositories/team/tool").exists());
    }
    let output = run(&machine, &publish, &[("SOURCE_DATE_EPOCH", "1700000000")]);
    assert!(output.status.success(), "{}", error(&output));
}

#[test]
fn unwritable_home_needs_no_cache_to_list_and_names_variable_to_pull() {
    let machine = Machine::new();
    machine.publish("tool", "1.2.0", "");
    // Also for root: nothing can be created below a file.
    fs::write(machine.path("a-file"), "").unwrap();
    let file = machine.path("a-file/home");
    let file = file.to_str().unwrap();
    let variables = [
        ("XDG_CACHE_HOME", file),
        ("XDG_STATE_HOME", file),
        ("HOME", file),
    ];
    for verb in [
        &["package", "list"][..],
        &["package", "search", "tool"],
        &["package", "versions", "tool"],
        &["package", "info", "tool"],
        &["package", "docs", "tool"],
        &["package", "verify", "tool"],
        &["package", "cache", "list"],
    ] {
        let output = run(&machine, verb, &variables);
        assert_eq!(error(&output), "", "{verb:?}");
        assert!(output.status.success(), "{verb:?}");
    }
    for verb in [&["package", "pull", "tool"], &["package", "load", "tool"]] {
        let output = run(&machine, verb, &variables);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        let text = error(&output);
        let hint = "  hint: set EXTENSION_REGISTRY_CACHE_DIR to a writable directory\n";
        assert!(text.contains("failed to create "), "{text}");
        assert_eq!(text.matches(hint).count(), 1, "{text}");
    }
    let cache = machine.path("other-cache");
    let with_cache = [
        &variables[..],
        &[("EXTENSION_REGISTRY_CACHE_DIR", cache.to_str().unwrap())],
    ]
    .concat();
    let output = run(&machine, &["package", "pull", "tool"], &with_cache);
    assert!(output.status.success(), "{}", error(&output));
}

#[test]
fn files_may_begin_with_a_byte_order_mark() {
    let machine = Machine::bare();
    machine
        .ext(&["package", "key", "generate", "--no-password", "me.key"])
        .fine();
    machine.configure(
        "\u{feff}[[repository]]\nname = \"team\"\nkind = \"folder\"\nurl = \"../repositories/team\"\n",
    );
    let public = machine.path("work/me.key.pub");
    let text = fs::read_to_string(&public).unwrap();
    fs::write(&public, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    machine
        .ext(&["package", "key", "approve", "me.key.pub"])
        .fine();
    machine.publish("tool", "1.2.0", "");
    let folder = machine.package("marked", "1.0.0", "");
    let manifest = machine.path("work").join(&folder).join("extension.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("\u{feff}{text}")).unwrap();
    machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
    machine
        .ext(&["package", "pull", "tool", "marked", "--lock"])
        .fine();
    let lock = machine.path("work/extensions.lock");
    let text = fs::read_to_string(&lock).unwrap();
    fs::write(&lock, format!("\u{feff}{text}")).unwrap();
    machine
        .ext(&["package", "pull", "tool", "marked", "--locked"])
        .fine();
}

#[test]
fn hints_of_several_sources_are_printed_once() {
    let machine = Machine::new();
    let one =
        "[[repository]]\nname = \"NAME\"\nkind = \"maven\"\nurl = \"http://127.0.0.2.example/r\"\n";
    machine.configure(&format!(
        "{}{}{}",
        one.replace("NAME", "first"),
        one.replace("NAME", "second"),
        machine.configuration()
    ));
    let text = machine.ext(&["package", "info", "absent"]).wrong(1);
    let hints: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("  hint: "))
        .collect();
    let mut different = hints.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(hints.len(), different.len(), "{text}");
    assert!(!hints.is_empty(), "{text}");
}
