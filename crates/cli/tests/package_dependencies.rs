//! Tests of dependencies and platform requirements with `kubectl ext package pull` and `mirror`.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;

use machine::Machine;
use serde_json::Value;

/// A machine with the repositories `team` and `partner`, and a key for both.
fn two() -> Machine {
    let machine = Machine::new();
    machine.with_repository("partner", "");
    machine
}

fn cached(machine: &Machine) -> String {
    machine
        .ext(&["package", "cache", "list", "-o", "name"])
        .fine()
}

#[test]
fn suggested_command_approves_dependency() {
    let machine = two();
    machine.publish_to("partner", "base", "1.0.0", "");
    machine.publish_to("team", "app", "1.0.0", "dependencies: [base]\n");
    let refused = machine
        .ext(&["package", "pull", "app", "--with-deps"])
        .wrong(1);
    assert_eq!(cached(&machine), "");
    let (_, command) = refused.split_once("`kubectl ext ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    let command: Vec<&str> = command.split(' ').collect();
    let pulled = machine.ext(&command).fine();
    assert!(
        pulled.contains("base 1.0.0 pulled") && pulled.contains("app 1.0.0 pulled"),
        "{pulled}"
    );
}

#[test]
fn rejected_dependency_leaves_nothing_in_cache() {
    let machine = two();
    machine.publish_to("team", "known", "1.0.0", "");
    machine.ext(&["package", "pull", "known"]).fine();
    machine.publish_to("team", "base", "1.0.0", "");
    let more = "dependencies: [base, known, unsigned]\n";
    machine.publish_to("team", "app", "1.0.0", more);
    let folder = machine.package("unsigned", "1.0.0", "dependencies: [base, known]\n");
    let unsigned = ["package", "publish", &folder, "--repository", "team"];
    machine.ext(&unsigned).fine();
    let refused = machine
        .ext(&["package", "pull", "app", "--with-deps"])
        .wrong(1);
    assert!(refused.contains("unsigned 1.0.0"), "{refused}");
    assert_eq!(
        cached(&machine),
        "record/known/1.0.0\n",
        "what was there before stays"
    );
}

#[test]
fn skips_packages_that_require_newer_program() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "requires: [{kubernetes: '>=1.27'}]\n");
    machine.publish("app", "2.0.0", "requires: [{extension-registry: '>=99'}]\n");
    for verb in [
        &["package", "pull", "app"][..],
        &["package", "load", "app"],
        &[
            "register",
            "x",
            "--from-template",
            "package:app",
            "--dry-run",
        ],
    ] {
        let refused = machine.ext(verb).wrong(1);
        let own = env!("CARGO_PKG_VERSION");
        assert!(
            refused.contains(&format!(
                "app 2.0.0 requires extension-registry `>=99`, but found {own}\n  hint: select the newest compatible version with `kubectl ext package pull --with-deps`"
            )),
            "{verb:?}: {refused}"
        );
    }
    assert_eq!(cached(&machine), "");
    // As the hint says.
    let pulled = machine.ext(&["package", "pull", "app", "--with-deps"]);
    assert!(
        pulled
            .err
            .contains("app 1.0.0 requires kubernetes `>=1.27`, which was not checked"),
        "{}",
        pulled.err
    );
    assert!(pulled.fine().starts_with("app 1.0.0 pulled"));
}

#[test]
fn reports_unchecked_requirements() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "requires: [{kubernetes: '>=1.27'}]\n");
    let load = ["package", "load", "app", "-o", "name"];
    let loaded = machine.ext(&load);
    assert!(
        loaded.err.contains("app 1.0.0 requires kubernetes `>=1.27`, which was not checked\n  hint: pass --platform NAME=VERSION"),
        "{}",
        loaded.err
    );
    loaded.fine();
    let good = machine.ext(&[&load[..], &["--platform", "kubernetes=1.36.3"]].concat());
    assert_eq!(good.err, "");
    // Also of what is here already.
    let old = machine.ext(&[&load[..], &["--platform", "kubernetes=1.20.0"]].concat());
    let old = old.wrong(1);
    assert!(
        old.contains("requires kubernetes `>=1.27`, but found 1.20.0"),
        "{old}"
    );
}

#[test]
fn mirror_of_one_package_includes_dependencies() {
    let machine = two();
    machine.publish_to("team", "base", "1.0.0", "");
    machine.publish_to("team", "base", "2.0.0", "");
    machine.publish_to("team", "other", "1.0.0", "");
    let more = "dependencies: [{name: base, version: ^1}]\n";
    machine.publish_to("team", "app", "1.0.0", more);
    let mirror = ["package", "mirror", "app", "--to", "partner"];
    assert_eq!(
        machine.ext(&mirror).fine(),
        "base 1.0.0 copied\napp 1.0.0 copied\n"
    );
    assert_eq!(
        machine.ext(&mirror).fine(),
        "base 1.0.0 already exists\napp 1.0.0 already exists\n"
    );
    fs::remove_dir_all(machine.path("repositories/team")).unwrap();
    machine
        .ext(&["package", "cache", "clear", "--all", "--yes"])
        .fine();
    let partner = ["--source", "partner"];
    let pull = ["package", "pull", "app", "--with-deps"];
    let pulled = machine.ext(&[&pull[..], &partner].concat()).fine();
    assert!(pulled.starts_with("base 1.0.0 pulled"), "{pulled}");
    let docs = machine.ext(&[&["package", "docs", "app"][..], &partner].concat());
    assert_eq!(docs.fine(), "# app 1.0.0\n");
}

#[test]
fn mirror_of_all_includes_dependencies() {
    let machine = Machine::new();
    machine.publish_to("team", "base", "1.0.0", "");
    machine.publish_to("team", "base", "2.0.0", "");
    let more = "dependencies: [{name: base, version: ^1}]\n";
    machine.publish_to("team", "app", "1.0.0", more);
    let mirror = ["package", "mirror", "--to", "./stick"];
    assert_eq!(
        machine.ext(&mirror).fine(),
        "base 1.0.0 copied\napp 1.0.0 copied\nbase 2.0.0 copied\n"
    );
}

#[test]
fn mirror_uses_dependencies_of_target() {
    let machine = two();
    machine.publish_to("partner", "base", "1.0.0", "");
    machine.publish_to("team", "app", "1.0.0", "dependencies: [base]\n");
    let mirror = ["package", "mirror", "app", "--to", "partner"];
    let refused = machine.ext(&mirror);
    assert_eq!(refused.code, 5, "{}", refused.err);
    let approve = "`kubectl ext package mirror app --approve base@partner`";
    assert!(refused.err.contains(approve), "{}", refused.err);
    let approved = [&mirror[..], &["--approve", "base@partner"]].concat();
    assert_eq!(machine.ext(&approved).fine(), "app 1.0.0 copied\n");
}

#[test]
fn mirror_skips_unsupported_packages_with_warning() {
    let machine = two();
    machine.publish_to("team", "app", "1.0.0", "");
    let folder = machine.package("humps", "1.0.0", "");
    let manifest = machine.path("work").join(&folder).join("extension.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replacen("  version: 1.0.0\n", "  version: 1.0.0\n  type: camel\n", 1);
    fs::write(&manifest, text).unwrap();
    let publish = ["package", "publish", &folder, "--repository", "team"];
    machine.ext(&publish).fine();
    fs::create_dir_all(machine.path("repositories/partner")).unwrap();
    let mirrored = machine.ext(&["package", "mirror", "--to", "./stick"]);
    assert!(
        mirrored
            .err
            .contains("skipped humps: unsupported type camel"),
        "{}",
        mirrored.err
    );
    assert_eq!(mirrored.fine(), "app 1.0.0 copied\n");
}

#[test]
fn reports_failed_source_once() {
    let machine = two();
    for name in ["a", "b", "c"] {
        machine.publish_to("team", name, "1.0.0", "");
    }
    // `partner` has no folder.
    let mirror = ["package", "mirror", "a", "b", "c", "--to", "./stick"];
    let mirrored = machine.ext(&mirror);
    assert_eq!(
        mirrored.err.matches("not found in partner").count(),
        1,
        "{}",
        mirrored.err
    );
    mirrored.fine();
}

#[test]
fn dependencies_come_first_and_are_locked() {
    let machine = Machine::new();
    machine.publish("base", "1.0.0", "");
    machine.publish(
        "app",
        "1.0.0",
        "dependencies: [{name: base, version: ^1}]\n",
    );
    let pulled = machine
        .ext(&[
            "package",
            "pull",
            "app",
            "--with-deps",
            "--to",
            "out",
            "-o",
            "name",
        ])
        .fine();
    assert_eq!(pulled, "base\napp\n");
    assert_eq!(
        machine.files("work/out"),
        ["app-1.0.0.tar.gz", "base-1.0.0.tar.gz"]
    );
    machine.ext(&["package", "pull", "app", "--lock"]).fine();
    let lock = fs::read_to_string(machine.path("work/extensions.lock")).unwrap();
    machine.publish("base", "1.1.0", "");
    // Locked: the same again, also without the sources.
    let pulled = machine
        .ext(&["package", "pull", "app", "--locked", "-o", "json"])
        .fine();
    let pulled: Value = serde_json::from_str(&pulled).unwrap();
    assert_eq!(pulled["packages"][0]["version"], "1.0.0");
    machine
        .ext(&["package", "pull", "--locked", "--offline"])
        .fine();
    machine.ext(&["package", "pull", "app", "--lock"]).fine();
    assert_eq!(
        fs::read_to_string(machine.path("work/extensions.lock")).unwrap(),
        lock
    );
    let differs = machine
        .ext(&["package", "pull", "base", "--locked"])
        .wrong(1);
    assert!(
        differs.contains("  app is locked but not required"),
        "{differs}"
    );
    // All or nothing.
    machine.publish(
        "broken",
        "1.0.0",
        "dependencies: [{name: base, version: ^9}]\n",
    );
    let refused = machine
        .ext(&["package", "pull", "broken", "--with-deps", "--to", "none"])
        .wrong(1);
    assert!(
        refused.contains("broken 1.0.0 depends on base `^9`, but no version matches"),
        "{refused}"
    );
    assert!(!machine.path("work/none").exists());
    // A version that became another package.
    let folder = machine.package("base", "1.0.0", "changes: [moved]\n");
    machine
        .ext(&[
            "package",
            "publish",
            &folder,
            "--force",
            "--sign-with",
            "me.key",
        ])
        .fine();
    let moved = machine
        .ext(&["package", "pull", "app", "--locked"])
        .wrong(1);
    assert!(
        moved.contains("base 1.0.0 in team differs from the locked package"),
        "{moved}"
    );
}

#[test]
fn unmet_platform_suggests_older_version() {
    let machine = Machine::new();
    machine.publish("app", "1.0.0", "requires: [{kubernetes: '>=1.20'}]\n");
    machine.publish("app", "2.0.0", "requires: [{kubernetes: '>=1.40'}]\n");
    let pulled = machine.ext(&["package", "pull", "app", "--platform", "kubernetes=1.36.3"]);
    assert!(pulled.err.contains("kubernetes"), "{}", pulled.err);
    assert!(pulled.fine().starts_with("app 1.0.0 pulled"));
    let refused = machine.ext(&[
        "package",
        "pull",
        "app",
        "--version",
        "^2",
        "--platform",
        "kubernetes=1.36.3",
    ]);
    let refused = refused.wrong(1);
    assert!(
        refused.contains(">=1.40") && refused.contains("1.36.3"),
        "{refused}"
    );
    let unchecked = machine.ext(&["package", "pull", "app", "--with-deps"]);
    assert!(
        unchecked.err.contains(
            "requires kubernetes `>=1.40`, which was not checked\n  hint: pass --platform NAME=VERSION"
        ),
        "{}",
        unchecked.err
    );
    assert!(unchecked.fine().starts_with("app 2.0.0"));
}
