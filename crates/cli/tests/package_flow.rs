//! End-to-end tests of `kubectl ext package` with folder repositories and enforced trust.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;
use std::process::Command;

use machine::Machine;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn initialized_package_can_be_published_and_registered() {
    let machine = Machine::new();
    machine.ext(&["package", "init", "mytool"]).fine();
    let said = machine
        .ext(&["package", "publish", "mytool", "--dry-run"])
        .fine();
    assert!(
        said.starts_with("mytool 0.1.0 can be published to team\n"),
        "{said}"
    );
    assert!(
        !machine.path("repositories").exists(),
        "a dry run writes nothing"
    );
    machine
        .ext(&["package", "publish", "mytool", "--sign-with", "me.key"])
        .fine();
    let info = machine.ext(&["package", "info", "mytool"]).fine();
    assert!(
        info.contains("kubectl ext register NAME --from-template package:mytool"),
        "{info}"
    );
    let again = machine.ext(&["package", "init", "mytool"]).wrong(1);
    assert!(
        again.contains("mytool already exists\n  hint: choose another directory"),
        "{again}"
    );
    let bad = machine.ext(&["package", "init", "My_Tool"]).wrong(1);
    assert!(
        bad.contains("is not a valid package name: `My_Tool`"),
        "{bad}"
    );
    assert!(!machine.path("work/My_Tool").exists());
}

#[test]
fn pull_downloads_once_and_load_works_without_source() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let first = machine
        .ext(&["package", "pull", "mlflow", "--explain"])
        .fine();
    let steps: Vec<&str> = first
        .lines()
        .filter(|line| line.starts_with("  "))
        .collect();
    assert_eq!(
        [steps[0], steps[2]],
        ["  source: available from team", "  trust: signed by me"]
    );
    assert!(steps[3].starts_with("  download: "), "{first}");
    assert_eq!(steps[4], "  cache: stored");
    // Pulled, and not loaded.
    let unpacked = machine
        .files("cache")
        .into_iter()
        .filter(|file| file.contains("/unpacked/"));
    assert_eq!(unpacked.count(), 4, "the archive was not unpacked");
    let second = machine
        .ext(&["package", "pull", "mlflow", "-o", "json"])
        .fine();
    assert_eq!(json(&second)["packages"][0]["fetched"], false);
    fs::remove_dir_all(machine.path("repositories")).unwrap();
    let loaded = machine
        .ext(&["package", "load", "mlflow", "--explain"])
        .fine();
    assert!(
        loaded.starts_with("cache: found\ntrust: signed by me\n"),
        "{loaded}"
    );
    machine
        .ext(&["package", "load", "mlflow", "--offline"])
        .fine();
    let missing = machine
        .ext(&["package", "load", "minio", "--offline"])
        .wrong(1);
    assert!(missing.contains("hint: remove --offline"), "{missing}");
}

#[test]
fn rejects_untrusted_package_with_reason_and_stores_nothing() {
    let machine = Machine::new();
    let folder = machine.package("mlflow", "1.2.0", "");
    let warned = machine.ext(&["package", "publish", &folder]);
    assert!(
        warned.err.contains("the package is not signed"),
        "{}",
        warned.err
    );
    warned.fine();
    let verified = machine.ext(&["package", "verify", "mlflow"]);
    assert_eq!(verified.code, 1);
    assert!(
        verified
            .out
            .contains("mlflow 1.2.0 from team: refused\n  Unsigned: "),
        "{}",
        verified.out
    );
    let refused = machine.ext(&["package", "pull", "mlflow"]).wrong(1);
    assert!(refused.contains("is not signed"), "{refused}");
    // Signed by somebody else.
    machine
        .ext(&["package", "key", "generate", "--no-password", "other.key"])
        .fine();
    let sign = [
        "package",
        "sign",
        "mlflow",
        "--version",
        "1.2.0",
        "--key",
        "other.key",
    ];
    machine.ext(&sign).fine();
    let refused = machine.ext(&["package", "pull", "mlflow"]).wrong(1);
    assert!(refused.contains("signed by untrusted key"), "{refused}");
    let kept = machine
        .files("cache")
        .into_iter()
        .filter(|file| file.contains("/extensions/"));
    assert_eq!(kept.count(), 0);
    // Trusted by configuration alone.
    machine
        .ext(&["package", "key", "approve", "other.key.pub"])
        .fine();
    machine.ext(&["package", "pull", "mlflow"]).fine();
    // Changed afterwards, with checksums that agree.
    machine
        .ext(&["package", "cache", "clear", "--all", "--yes"])
        .fine();
    let content = machine.path("repositories/team/mlflow/1.2.0/mlflow-1.2.0.tar.gz");
    let mut bytes = fs::read(&content).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&content, bytes).unwrap();
    for (ending, tool) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
    ] {
        let sum = Command::new(tool).arg(&content).output().unwrap().stdout;
        let sum = String::from_utf8(sum).unwrap();
        let beside = content.with_file_name(format!("mlflow-1.2.0.tar.gz.{ending}"));
        fs::write(beside, sum.split_whitespace().next().unwrap()).unwrap();
    }
    let refused = machine.ext(&["package", "pull", "mlflow"]).wrong(1);
    assert!(
        refused.contains("the content was modified after other signed it"),
        "{refused}"
    );
    // A policy that warns lets it through, and says so.
    let text = machine.configuration().replacen(
        "[[trust.rule]]",
        "[trust]\nmode = \"warn\"\n\n[[trust.rule]]",
        1,
    );
    machine.configure(&text);
    let warned = machine.ext(&["package", "pull", "mlflow"]);
    assert!(
        warned
            .err
            .contains("warning: the content was modified after other signed it"),
        "{}",
        warned.err
    );
}

#[test]
fn unreachable_source_does_not_hide_others() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let text = machine.configuration();
    let dead = "[[repository]]\nname = \"dead\"\nkind = \"oci\"\nurl = \"http://127.0.0.1:9/extensions\"\nretry_count = 0\ntimeout = 5\n\n";
    machine.configure(&format!("{dead}{text}"));
    let listed = machine.ext(&["package", "list"]);
    assert_eq!(listed.code, 5, "{}", listed.err);
    assert!(
        listed.err.contains("warning: dead: failed to"),
        "{}",
        listed.err
    );
    insta::assert_snapshot!(listed.out);
    let alone = machine
        .ext(&["package", "list", "--source", "team", "-o", "name"])
        .fine();
    assert_eq!(alone, "mlflow\n");
    let local = machine
        .ext(&["package", "list", "--source", "local", "-o", "name"])
        .fine();
    assert_eq!(local, "mlflow\n");
    let unknown = machine
        .ext(&["package", "list", "--source", "nobody"])
        .wrong(1);
    assert!(
        unknown.contains("hint: configured repositories: dead, team"),
        "{unknown}"
    );
    let second =
        "[[repository]]\nname = \"copy\"\nkind = \"folder\"\nurl = \"../repositories/copy\"\n\n";
    machine.configure(&format!("{second}{text}"));
    let folder = machine.package("mlflow", "1.2.0", "changes: [another]\n");
    machine
        .ext(&[
            "package",
            "publish",
            &folder,
            "--repository",
            "copy",
            "--sign-with",
            "me.key",
        ])
        .fine();
    let conflict = machine.ext(&["package", "pull", "mlflow"]).wrong(1);
    assert!(
        conflict.contains("mlflow 1.2.0 differs between sources"),
        "{conflict}"
    );
    assert!(conflict.contains("hint: pass --source copy"), "{conflict}");
    machine
        .ext(&["package", "pull", "mlflow", "--source", "team"])
        .fine();
}

#[test]
fn lists_packages_in_all_output_formats() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.9.0", "");
    machine.publish("mlflow", "1.10.0", "");
    machine.publish("mlflow", "2.0.0-rc.1", "");
    let more = "dependencies: [{name: mlflow, version: ^1}]\nrequires: [{kubernetes: '>=1.27'}]\nprovides: [{product: tool, resource: s3}]\n";
    machine.publish("a-tool-with-a-rather-long-name", "1.0.0-alpha.1", more);
    let table = machine.ext(&["package", "list"]).fine();
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    insta::assert_snapshot!("list", table);
    insta::assert_snapshot!(
        "versions",
        redacted(&machine.ext(&["package", "versions", "mlflow"]).fine())
    );
    let info = machine.ext(&[
        "package",
        "info",
        "a-tool-with-a-rather-long-name",
        "--version",
        "=1.0.0-alpha.1",
    ]);
    insta::assert_snapshot!("info", redacted(&info.fine()));
    let nothing = machine
        .ext(&["package", "search", "nothing-of-that-name"])
        .fine();
    assert_eq!(nothing.lines().count(), 1, "{nothing}");
    let found = machine
        .ext(&["package", "search", "FLOW", "-o", "json"])
        .fine();
    assert_eq!(json(&found)["packages"][0]["newest"], "1.10.0");
    let by_license = machine
        .ext(&["package", "list", "--license", "GPL-3.0", "-o", "name"])
        .fine();
    assert_eq!(by_license, "");
    let docs = machine.ext(&["package", "docs", "mlflow"]).fine();
    assert_eq!(docs, "# mlflow 1.10.0\n");
}

/// Without digests, sizes and dates.
fn redacted(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| {
            let is_digest = word.len() >= 12 && word.chars().all(|one| one.is_ascii_hexdigit());
            let is_date = word.len() == 10 && word.matches('-').count() == 2;
            let shown = match (is_digest, is_date) {
                (true, _) => "DIGEST",
                (_, true) => "DATE",
                _ => word,
            };
            shown.to_owned()
        });
        let line = words.collect::<Vec<_>>().join(" ");
        if !line.starts_with("Size ") && !line.starts_with("Published ") {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn publish_checks_version_and_replaces_only_with_force() {
    let machine = Machine::new();
    let folder = machine.package("mlflow", "1.2.0", "");
    let other = machine
        .ext(&["package", "publish", &folder, "--version", "1.3.0"])
        .wrong(1);
    assert!(
        other.contains("hint: pass --set-version to publish as 1.3.0"),
        "{other}"
    );
    let numbered = [
        "package",
        "publish",
        &folder,
        "--version",
        "1.3.0",
        "--set-version",
    ];
    machine.ext(&numbered).fine();
    let twice = machine.ext(&numbered).wrong(1);
    assert!(
        twice.contains("version 1.3.0 of mlflow already exists in team"),
        "{twice}"
    );
    let dry = machine
        .ext(&[&numbered[..], &["--dry-run"]].concat())
        .wrong(1);
    assert!(
        dry.contains("version 1.3.0 of mlflow already exists"),
        "{dry}"
    );
    machine.ext(&[&numbered[..], &["--force"]].concat()).fine();
    let gone = machine
        .ext(&["package", "delete", "mlflow", "1.3.0", "--yes"])
        .fine();
    assert!(gone.contains("deleted"), "{gone}");
    let asked = machine
        .ext(&["package", "delete", "mlflow", "1.3.0"])
        .wrong(1);
    assert!(
        asked.contains("cannot prompt: stdin is not a terminal\n  hint: pass --yes"),
        "{asked}"
    );
}

#[test]
fn pull_all_reports_corrupt_package() {
    let machine = Machine::new();
    for name in ["a", "b", "c"] {
        machine.publish(name, "1.0.0", "");
    }
    fs::write(
        machine.path("repositories/team/b/1.0.0/b-1.0.0.tar.gz"),
        "broken",
    )
    .unwrap();
    let pulled = machine.ext(&["package", "pull", "--all", "-o", "json"]);
    assert_eq!(pulled.code, 5, "{}", pulled.err);
    let data = json(&pulled.out);
    let names: Vec<&Value> = data["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(data["failures"][0]["name"], "b");
    let again = json(&machine.ext(&["package", "pull", "--all", "-o", "json"]).out);
    assert!(
        again["packages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["fetched"] == false)
    );
}

#[test]
fn mirror_serves_offline_machine() {
    let machine = Machine::new();
    machine.publish("base", "1.0.0", "");
    machine.publish("app", "1.0.0", "dependencies: [base]\n");
    machine.publish("app", "1.1.0", "dependencies: [base]\n");
    machine
        .ext(&["package", "index", "--sign-with", "me.key"])
        .fine();
    let copied = machine
        .ext(&["package", "mirror", "--all-versions", "--to", "./stick"])
        .fine();
    assert_eq!(
        copied,
        "app 1.0.0 copied\napp 1.1.0 copied\nbase 1.0.0 copied\nindex copied\n"
    );
    let copied = machine
        .ext(&["package", "mirror", "--to", "./stick"])
        .fine();
    assert_eq!(
        copied,
        "base 1.0.0 already exists\napp 1.1.0 already exists\n"
    );
    let lonely = Machine::bare();
    let configuration = machine.configuration();
    let (_, trust) = configuration.split_once("[[trust.rule]]").unwrap();
    lonely.configure(&format!("[[trust.rule]]{trust}"));
    let stick = machine.path("work/stick").display().to_string();
    let pulled = lonely.ext(&[
        "package",
        "pull",
        "app",
        "--with-deps",
        "--path",
        &stick,
        "--source",
        "local",
        "-o",
        "json",
    ]);
    let pulled = json(&pulled.fine());
    assert_eq!(pulled["packages"][0]["name"], "base");
    assert_eq!(pulled["packages"][1]["version"], "1.1.0");
    assert_eq!(pulled["packages"][1]["signedBy"][0], "me");
    let found = lonely
        .ext(&["package", "discover", "--path", &stick])
        .fine();
    assert!(found.contains("local: 2 packages, from index"), "{found}");
}

#[test]
fn registers_record_from_package_template() {
    let machine = Machine::new();
    machine.publish("mlflow", "1.2.0", "");
    let dry = [
        "register",
        "tracker",
        "--from-template",
        "package:mlflow",
        "--set",
        "url=http://mlflow",
        "--dry-run",
    ];
    let shown = machine.ext(&dry).fine();
    assert!(
        shown.contains("product: mlflow") && shown.contains("url: http://mlflow"),
        "{shown}"
    );
    let missing = machine
        .ext(&["register", "tracker", "--from-template", "package:mlflow"])
        .wrong(1);
    assert!(missing.contains("--set url=VALUE"), "{missing}");
    let none = machine
        .ext(&[
            "register",
            "tracker",
            "--from-template",
            "package:mlflow/mian",
            "--dry-run",
        ])
        .wrong(1);
    assert!(none.contains("hint: did you mean `main`?"), "{none}");
}
