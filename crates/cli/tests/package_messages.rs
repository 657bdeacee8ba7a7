//! Tests of errors and warnings of `kubectl ext package`.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use machine::Machine;

#[test]
fn rejects_two_version_arguments() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    let both = ["package", "pull", "app@1.0.0", "--version", "2.0.0"];
    let said = machine.ext(&both).wrong(1);
    assert!(
        said.contains("both `app@1.0.0` and --version specify a version"),
        "{said}"
    );
}

#[test]
fn prompt_without_terminal_names_flag_of_verb() {
    let machine = Machine::new();
    let said = machine
        .ext(&["package", "key", "generate", "new.key"])
        .wrong(1);
    assert!(
        said.contains("hint: set EXTENSION_REGISTRY_KEY_PASSWORD, or pass --no-password"),
        "{said}"
    );
    let login = ["package", "login", "localhost:5000", "-u", "me"];
    let said = machine.ext(&login).wrong(1);
    assert!(said.contains("hint: pass --password-stdin"), "{said}");
}

#[test]
fn login_rejects_empty_password_and_invalid_server() {
    let machine = Machine::new();
    for (server, password, expected) in [
        ("localhost:5000", "\n", "empty password"),
        ("not a server", "secret\n", "invalid server `not a server`"),
    ] {
        let login = ["package", "login", server, "-u", "me", "--password-stdin"];
        let said = machine.ext_with(&login, password).wrong(1);
        assert!(
            said.contains(expected) && !said.contains("secret"),
            "{said}"
        );
    }
    assert!(!machine.path("docker/config.json").exists());
}

#[test]
fn rejects_duplicate_keys_and_key_names() {
    let machine = Machine::new();
    let before = machine.configuration();
    let approve = ["package", "key", "approve", "me.key.pub"];
    let said = machine.ext(&approve).wrong(1);
    assert!(
        said.contains("this key is already trusted for these repositories and packages, as `me`"),
        "{said}"
    );
    machine
        .ext(&["package", "key", "generate", "--no-password", "other.key"])
        .fine();
    let other = ["package", "key", "approve", "other.key.pub", "--name", "me"];
    let said = machine.ext(&other).wrong(1);
    assert!(
        said.contains(
            "another key is already trusted for these repositories and packages as `me`\n  \
             hint: choose another name with --name"
        ),
        "{said}"
    );
    assert_eq!(machine.configuration(), before);
}

#[test]
fn publish_warns_about_outdated_index() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    machine
        .ext(&["package", "index", "team", "--sign-with", "me.key"])
        .fine();
    let folder = machine.package("late", "1.0.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let published = machine.ext(&publish);
    let told = "the index of team does not include this change\n  hint: update it with `kubectl ext package index team`";
    assert!(published.err.contains(told), "{}", published.err);
    let deleted = machine.ext(&["package", "delete", "late", "1.0.0", "--yes"]);
    assert!(deleted.err.contains(told), "{}", deleted.err);
}

#[test]
fn marks_deprecated_and_pre_release_versions() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    let folder = machine.package("app", "1.1.0", "");
    let manifest = machine.path("work").join(&folder).join("extension.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text.replace(
        "  description:",
        "  deprecated: it loses data\n  description:",
    );
    std::fs::write(&manifest, text).unwrap();
    machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
    machine.publish("app", "2.0.0-rc.1", "");
    let versions = machine.ext(&["package", "versions", "app"]).fine();
    let lines: Vec<&str> = versions.lines().skip(1).map(str::trim_end).collect();
    assert!(
        lines[0].starts_with("2.0.0-rc.1") && lines[0].ends_with("pre-release"),
        "{versions}"
    );
    assert!(
        lines[1].starts_with("1.1.0") && lines[1].ends_with("deprecated: it loses data"),
        "{versions}"
    );
    assert!(
        lines[2].starts_with("1.0.0") && !lines[2].contains("deprecated"),
        "{versions}"
    );
}

#[test]
fn warns_if_nothing_matches() {
    let machine = Machine::new();
    let cleared = machine.ext(&["package", "cache", "clear", "--name", "nope"]);
    assert!(
        cleared.err.contains("no matching packages in the cache"),
        "{}",
        cleared.err
    );
}

#[test]
fn warns_if_no_source_is_configured() {
    let machine = Machine::bare();
    for verb in ["list", "discover", "repositories"] {
        let listed = machine.ext(&["package", verb]);
        assert!(
            listed
                .err
                .contains("no source is configured\n  hint: add one to "),
            "{verb}: {}",
            listed.err
        );
    }
}

#[test]
fn versions_of_missing_package_is_error() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    let said = machine.ext(&["package", "versions", "ap"]).wrong(1);
    assert!(said.contains("package `ap` not found\n  hint: "), "{said}");
}

#[test]
fn not_found_error_names_failed_sources() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    machine.ext(&["package", "pull", "app"]).fine();
    std::fs::remove_dir_all(machine.path("repositories/team")).unwrap();
    std::fs::write(machine.path("repositories/team"), "no folder").unwrap();
    let said = machine.ext(&["package", "pull", "app"]).wrong(1);
    assert!(
        said.contains(
            "package `app` not found in the sources that responded; failed to query team"
        ) && said.contains("hint: try again, or pass --offline to use the local cache"),
        "{said}"
    );
    machine.ext(&["package", "pull", "app", "--offline"]).fine();
}

#[test]
fn missing_repository_hint_matches_verb() {
    let machine = Machine::new();
    machine.with_repository("partner", "");
    let index = machine.ext(&["package", "index"]).wrong(1);
    assert!(
        index.contains(
            "hint: run `kubectl ext package index NAME`; configured repositories: partner, team"
        ),
        "{index}"
    );
    let delete = machine
        .ext(&["package", "delete", "a", "1.0.0", "-y"])
        .wrong(1);
    assert!(
        delete.contains("hint: pass --repository NAME; configured repositories: partner, team"),
        "{delete}"
    );
    for (name, why) in [
        ("nope", "unknown repository `nope`"),
        ("team", "repository `team` is of kind folder, not oci"),
    ] {
        let said = machine.ext(&["package", "test-oci", name]).wrong(1);
        assert!(
            said.contains(why) && said.contains("hint: pass a repository of kind oci"),
            "{said}"
        );
    }
}

#[test]
fn package_folder_is_not_a_repository() {
    let machine = Machine::new();
    let folder = machine.package("app", "1.0.0", "");
    let listed = machine.ext(&["package", "list", "--path", &folder]);
    assert!(
        listed.err.contains(
            "is a package, not a repository of packages\n  hint: publish it with `kubectl ext package publish "
        ),
        "{}",
        listed.err
    );
}
