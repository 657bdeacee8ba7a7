//! Versions that differ only in build metadata: every verb uses the one that is requested.

mod machine;

use std::fs;

use machine::{Machine, another};

const BUILDS: [&str; 3] = ["1.2.3", "1.2.3+build.5", "1.2.3+build.6"];

fn published() -> Machine {
    let machine = Machine::new();
    for version in BUILDS {
        machine.publish("tool", version, "");
    }
    machine
}

#[test]
fn every_verb_uses_the_requested_build() {
    let machine = published();
    for version in BUILDS {
        let exact = format!("={version}");
        for range in [version, &exact] {
            let named = format!("tool@{range}");
            let pulled = machine.ext(&["package", "pull", &named, "-o", "json"]);
            assert_eq!(pulled.err, "", "{range}");
            let pulled: serde_json::Value = serde_json::from_str(&pulled.fine()).unwrap();
            assert_eq!(pulled["packages"][0]["version"], version, "{range}");
            for (verb, begin) in [
                ("info", format!("tool {version}\n")),
                ("verify", format!("tool {version} from team: trusted")),
                ("docs", format!("# tool {version}\n")),
                ("load", format!("tool {version} loaded to ")),
            ] {
                let output = machine.ext(&["package", verb, "tool", "--version", range]);
                assert_eq!(output.err, "", "{verb} {range}");
                let text = output.fine();
                assert!(text.starts_with(&begin), "{verb} {range}: {text}");
            }
            for verb in ["verify", "docs", "load"] {
                let offline = ["package", verb, "tool", "--version", range, "--offline"];
                let text = machine.ext(&offline).fine();
                assert!(text.contains(&format!("tool {version}")), "{verb}: {text}");
                assert!(
                    !text.contains(&format!("tool {version}+")),
                    "{verb}: {text}"
                );
            }
            let record = machine.ext(&[
                "register",
                "x",
                "--from-template",
                &format!("package:tool@{range}"),
                "--set",
                "url=http://tool:1",
                "--dry-run",
                "-o",
                "yaml",
            ]);
            assert_eq!(record.err, "", "{range}");
            record.fine();
        }
    }
}

#[test]
fn range_selects_highest_build_and_explains_it() {
    let machine = published();
    let note = "selected 1.2.3+build.6 from 3 builds of 1.2.3: 1.2.3+build.6, 1.2.3+build.5, 1.2.3\n  \
                hint: request `=1.2.3+build.5` or another of them to use it";
    for range in ["^1.2", "*", ">=1.2.3", "1.2.x", ">=1.2.3+build.5 <2"] {
        let info = machine.ext(&["package", "info", "tool", "--version", range]);
        assert!(info.err.contains(&format!("tool: {note}")), "{}", info.err);
        assert!(info.fine().starts_with("tool 1.2.3+build.6\n"), "{range}");
    }
    let pulled = machine.ext(&["package", "pull", "tool", "--with-deps"]);
    assert!(
        pulled.err.contains(&format!("tool: {note}")),
        "{}",
        pulled.err
    );
    assert!(pulled.fine().contains("1.2.3+build.6"));
    for version in BUILDS {
        let named = format!("tool@{version}");
        machine.ext(&["package", "pull", &named]).fine();
    }
    let loaded = machine.ext(&["package", "load", "tool", "--offline"]);
    assert!(
        loaded.err.contains(&format!("tool in the cache: {note}")),
        "{}",
        loaded.err
    );
    assert!(loaded.fine().starts_with("tool 1.2.3+build.6 loaded"));
}

#[test]
fn missing_build_is_refused_with_the_available_ones() {
    let machine = Machine::new();
    machine.publish("tool", "1.2.3+build.5", "");
    for verb in ["pull", "info", "verify", "docs", "load"] {
        for range in ["1.2.3", "=1.2.3+build.6"] {
            let mut arguments = vec!["package", verb, "tool"];
            let named = format!("tool@{range}");
            if verb == "pull" {
                arguments[2] = &named;
            } else {
                arguments.extend(["--version", range]);
            }
            let error = machine.ext(&arguments).wrong(1);
            assert!(
                error.contains(&format!(
                    "no version matches `{range}`\n  hint: 1.2.3 is available with other build metadata; \
                     request `=1.2.3+build.5`"
                )),
                "{verb} {range}: {error}"
            );
        }
    }
    let error = machine
        .ext(&["package", "pull", "tool@1.2.3", "--with-deps"])
        .wrong(1);
    assert!(
        error.contains("hint: request `=1.2.3+build.5` to use the build tool 1.2.3+build.5"),
        "{error}"
    );
}

#[test]
fn lock_and_dependencies_keep_the_build() {
    let machine = published();
    machine.publish(
        "app",
        "1.0.0",
        "dependencies:\n  - name: tool\n    version: 1.2.3+build.5\n",
    );
    machine
        .ext(&["package", "pull", "app", "--with-deps", "--lock"])
        .fine();
    let lock = fs::read_to_string(machine.path("work/extensions.lock")).unwrap();
    assert!(lock.contains("1.2.3+build.5"), "{lock}");
    assert!(!lock.contains("build.6"), "{lock}");
    let other = another(&machine);
    fs::copy(
        machine.path("work/extensions.lock"),
        other.path("work/extensions.lock"),
    )
    .unwrap();
    let root = machine.path("repositories").display().to_string();
    other.configure(&machine.configuration().replace("../repositories", &root));
    let pulled = other.ext(&["package", "pull", "app", "--locked"]);
    assert!(pulled.fine().contains("1.2.3+build.5"));
    // A range in the request is resolved to the locked build, without a note.
    machine.publish(
        "more",
        "1.0.0",
        "dependencies:\n  - name: tool\n    version: ^1\n",
    );
    machine
        .ext(&["package", "pull", "tool@1.2.3", "--lock"])
        .fine();
    let pulled = machine.ext(&["package", "pull", "tool@1.2.3", "more", "--lock"]);
    assert_eq!(pulled.err, "");
    let lock = fs::read_to_string(machine.path("work/extensions.lock")).unwrap();
    assert!(!lock.contains("build."), "{lock}");
}

#[test]
fn mirror_copies_the_requested_build() {
    let machine = published();
    let target = machine.path("copy");
    let target = target.to_str().unwrap();
    let one = ["package", "mirror", "tool@1.2.3+build.5", "--to", target];
    let output = machine.ext(&one);
    assert_eq!(output.err, "");
    assert!(output.fine().contains("1.2.3+build.5"));
    let folders = || {
        let mut found: Vec<String> = fs::read_dir(machine.path("copy/tool"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('1'))
            .collect();
        found.sort();
        found
    };
    assert_eq!(folders(), ["1.2.3+build.5"]);
    let all = [
        "package",
        "mirror",
        "tool",
        "--all-versions",
        "--to",
        target,
    ];
    machine.ext(&all).fine();
    assert_eq!(folders(), BUILDS);
    let delete = ["package", "delete", "tool", "1.2.3", "--yes"];
    machine.ext(&delete).fine();
    let versions = machine
        .ext(&["package", "versions", "tool", "-o", "name"])
        .fine();
    assert!(!versions.lines().any(|line| line == "1.2.3"), "{versions}");
    assert!(versions.contains("1.2.3+build.5"), "{versions}");
}
