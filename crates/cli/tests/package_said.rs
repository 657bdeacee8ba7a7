//! What `kubectl ext package` says where something cannot be, or is not what it seems.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use machine::Machine;

#[test]
fn a_version_is_said_once() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    let both = ["package", "pull", "app@1.0.0", "--version", "2.0.0"];
    let said = machine.ext(&both).wrong(1);
    assert!(
        said.contains("`app@1.0.0` and --version both say a version"),
        "{said}"
    );
}

#[test]
fn where_nobody_can_be_asked_the_way_out_is_that_of_the_verb() {
    let machine = Machine::new();
    let said = machine
        .ext(&["package", "key", "generate", "new.key"])
        .wrong(1);
    assert!(
        said.contains(
            "hint: EXTENSION_REGISTRY_KEY_PASSWORD gives it, and --no-password does without"
        ),
        "{said}"
    );
    let login = ["package", "login", "localhost:5000", "-u", "me"];
    let said = machine.ext(&login).wrong(1);
    assert!(said.contains("hint: --password-stdin reads it"), "{said}");
}

#[test]
fn no_empty_password_and_no_server_that_is_none_are_kept() {
    let machine = Machine::new();
    for (server, password, expected) in [
        ("localhost:5000", "\n", "is empty"),
        ("not a server", "secret\n", "`not a server` is no server"),
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
fn a_key_is_approved_once_and_by_a_name_of_its_own() {
    let machine = Machine::new();
    let before = machine.configuration();
    let approve = ["package", "key", "approve", "me.key.pub"];
    let said = machine.ext(&approve).wrong(1);
    assert!(
        said.contains("this key is approved there already, as `me`"),
        "{said}"
    );
    machine
        .ext(&["package", "key", "generate", "--no-password", "other.key"])
        .fine();
    let other = ["package", "key", "approve", "other.key.pub", "--name", "me"];
    let said = machine.ext(&other).wrong(1);
    assert!(
        said.contains("another key is approved there as `me`\n  hint: --name"),
        "{said}"
    );
    assert_eq!(machine.configuration(), before);
}

#[test]
fn what_an_index_does_not_know_of_is_said_by_who_changes_it() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    machine
        .ext(&["package", "index", "team", "--sign-with", "me.key"])
        .fine();
    let folder = machine.package("late", "1.0.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let published = machine.ext(&publish);
    let told = "team has an index, and that knows nothing of this yet\n  hint: kubectl ext package index team";
    assert!(published.err.contains(told), "{}", published.err);
    let deleted = machine.ext(&["package", "delete", "late", "1.0.0", "--yes"]);
    assert!(deleted.err.contains(told), "{}", deleted.err);
}

#[test]
fn r59_what_is_deprecated_and_what_is_early_is_marked() {
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
fn r60_what_fits_nothing_is_said() {
    let machine = Machine::new();
    let cleared = machine.ext(&["package", "cache", "clear", "--name", "nope"]);
    assert!(
        cleared.err.contains("the cache has nothing that fits"),
        "{}",
        cleared.err
    );
}

#[test]
fn where_nobody_is_asked_the_empty_answer_says_so() {
    let machine = Machine::bare();
    for verb in ["list", "discover", "repositories"] {
        let listed = machine.ext(&["package", verb]);
        assert!(
            listed
                .err
                .contains("there is no source to ask\n  hint: none is configured; "),
            "{verb}: {}",
            listed.err
        );
    }
}

#[test]
fn r59_versions_of_nothing_are_an_error() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    let said = machine.ext(&["package", "versions", "ap"]).wrong(1);
    assert!(
        said.contains("no source has a package `ap`\n  hint: "),
        "{said}"
    );
}

#[test]
fn who_did_not_answer_may_have_it() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "");
    machine.ext(&["package", "pull", "app"]).fine();
    std::fs::remove_dir_all(machine.path("repositories/team")).unwrap();
    std::fs::write(machine.path("repositories/team"), "no folder").unwrap();
    let said = machine.ext(&["package", "pull", "app"]).wrong(1);
    assert!(
        said.contains("no source that answered has a package `app`; team could not be asked")
            && said.contains("hint: try again; with --offline, what this machine has is taken"),
        "{said}"
    );
    machine.ext(&["package", "pull", "app", "--offline"]).fine();
}

#[test]
fn which_repository_is_said_as_the_verb_takes_it() {
    let machine = Machine::new();
    machine.with_repository("partner", "");
    let index = machine.ext(&["package", "index"]).wrong(1);
    assert!(
        index.contains("hint: kubectl ext package index NAME; there are"),
        "{index}"
    );
    let delete = machine
        .ext(&["package", "delete", "a", "1.0.0", "-y"])
        .wrong(1);
    assert!(
        delete.contains("hint: --repository NAME; there are"),
        "{delete}"
    );
    for (name, why) in [
        ("nope", "no repository is called `nope`"),
        ("team", "`team` is of kind folder, and no registry"),
    ] {
        let said = machine.ext(&["package", "test-oci", name]).wrong(1);
        assert!(
            said.contains(why) && said.contains("hint: name one of kind oci"),
            "{said}"
        );
    }
}

#[test]
fn a_package_is_no_repository() {
    let machine = Machine::new();
    let folder = machine.package("app", "1.0.0", "");
    let listed = machine.ext(&["package", "list", "--path", &folder]);
    assert!(
        listed.err.contains(
            "is a package, and no repository of packages\n  hint: `kubectl ext package publish "
        ),
        "{}",
        listed.err
    );
}
