//! Tests of `kubectl ext package` with foreign packages.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use machine::Machine;

const TEMPLATE: &str = "description: somebody's template\nparameters:\n  url: {description: Address}\nspec:\n  \
    product: plain\n  services:\n    - name: api\n      endpoints: [{name: main, url: '${url}'}]\n";

/// Puts a file into the folder repository by hand, with the checksums that it demands.
fn put(machine: &Machine, name: &str, file: &str, text: &str, tools: &[&str]) {
    let folder = machine.path("repositories/team").join(name).join("1.0.0");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(file);
    fs::write(&path, text).unwrap();
    for tool in tools {
        let sum = Command::new(format!("{tool}sum"))
            .arg(&path)
            .output()
            .unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        let sum = sum.split_whitespace().next().unwrap();
        fs::write(folder.join(format!("{file}.{tool}")), sum).unwrap();
    }
}

/// A path that the program said.
fn real(machine: &Machine, said: &str) -> PathBuf {
    machine.path(said.strip_prefix("MACHINE/").unwrap())
}

const OURS: [&str; 3] = ["md5", "sha1", "sha256"];
const OF_MAVEN: [&str; 2] = ["md5", "sha1"];

#[test]
fn signs_loads_and_registers_single_template() {
    let machine = Machine::new();
    put(&machine, "plain", "plain-1.0.0.yaml", TEMPLATE, &OURS);
    let load = ["package", "load", "plain", "-o", "name"];
    let refused = machine.ext(&load).wrong(1);
    assert!(refused.contains("is not signed"), "{refused}");
    let sign = [
        "package",
        "sign",
        "plain",
        "--version",
        "1.0.0",
        "--key",
        "me.key",
    ];
    let signed = machine.ext(&sign);
    assert_eq!((signed.err.as_str(), signed.code), ("", 0));
    let again = machine.ext(&sign);
    assert!(
        again
            .err
            .contains("plain 1.0.0 is already signed with this key"),
        "{}",
        again.err
    );
    let signatures = machine.files("repositories/team/plain/1.0.0");
    let signatures = signatures.iter().filter(|file| file.ends_with(".minisig"));
    assert_eq!(signatures.count(), 1);

    // From the source, and then from the cache.
    let (first, second) = (machine.ext(&load).fine(), machine.ext(&load).fine());
    assert_eq!(first, second);
    let json = machine
        .ext(&["package", "load", "plain", "-o", "json"])
        .fine();
    let data: serde_json::Value = serde_json::from_str(&json).unwrap();
    let file = real(&machine, data["templates"][0].as_str().unwrap());
    assert_eq!(fs::read_to_string(file).unwrap(), TEMPLATE);
    assert_eq!(data["signedBy"][0], "me");
    let register = [
        "register",
        "tracker",
        "--from-template",
        "package:plain",
        "--set",
        "url=http://plain",
        "--dry-run",
    ];
    let shown = machine.ext(&register).fine();
    assert!(
        shown.contains("product: plain") && shown.contains("url: http://plain"),
        "{shown}"
    );
}

#[test]
fn downloads_foreign_file_without_unpacking() {
    let machine = Machine::new();
    let warn = format!("[trust]\nmode = \"warn\"\n{}", machine.configuration());
    machine.configure(&warn);
    put(
        &machine,
        "camel",
        "camel-1.0.0.nar",
        "no archive at all",
        &OURS,
    );
    let pom = "<project><groupId>g</groupId><artifactId>camel</artifactId><version>1.0.0</version><packaging>nar</packaging></project>";
    put(&machine, "camel", "camel-1.0.0.pom", pom, &OF_MAVEN);
    let info = machine.ext(&["package", "info", "camel"]).fine();
    assert!(info.contains("nar"), "{info}");
    let loaded = machine
        .ext(&["package", "load", "camel", "-o", "name"])
        .fine();
    let folder = real(&machine, loaded.trim());
    assert_eq!(
        fs::read_to_string(folder.join("camel-1.0.0.nar")).unwrap(),
        "no archive at all"
    );
    assert!(!folder.join("unpacked").exists());
    let register = [
        "register",
        "x",
        "--from-template",
        "package:camel",
        "--dry-run",
    ];
    let refused = machine.ext(&register).wrong(1);
    assert!(
        refused.contains("package `camel` has no templates"),
        "{refused}"
    );
}

/// Maven's checksums name no content: only who has it can say whether it is what was signed.
#[test]
fn verify_downloads_package_without_reported_digest() {
    let machine = Machine::new();
    put(&machine, "camel", "camel-1.0.0.nar", "content", &OF_MAVEN);
    let pom = "<project><groupId>g</groupId><artifactId>camel</artifactId><version>1.0.0</version><packaging>nar</packaging></project>";
    put(&machine, "camel", "camel-1.0.0.pom", pom, &OF_MAVEN);
    let info = machine
        .ext(&["package", "info", "camel", "-o", "json"])
        .fine();
    assert!(info.contains("\"trust\": \"unknown\""), "{info}");
    let verified = machine.ext(&["package", "verify", "camel"]);
    assert_eq!(verified.code, 1, "{}", verified.out);
    assert!(
        verified
            .out
            .starts_with("camel 1.0.0 from team: refused\n  Unsigned: "),
        "{}",
        verified.out
    );
}
