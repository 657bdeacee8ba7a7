//! Tests of `kubectl ext package index` and `forget`, with one key for the indexes of two repositories.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;

use std::fs;

use machine::Machine;

/// A machine whose one key signs for `team` and `partner`; each has a package and an index.
fn two() -> Machine {
    let machine = Machine::new();
    machine.with_repository("partner", "");
    for (repository, name) in [("team", "app"), ("partner", "tool")] {
        machine.publish_to(repository, name, "1.0.0", "");
        machine.ext(&index(repository)).fine();
    }
    machine
}

fn index(repository: &str) -> [&str; 5] {
    ["package", "index", repository, "--sign-with", "me.key"]
}

/// Shows the index of `team` as that of `partner`.
fn swap(machine: &Machine) {
    for file in machine.files("repositories/team") {
        if file.starts_with("index.json") {
            let from = machine.path("repositories/team").join(&file);
            fs::copy(from, machine.path("repositories/partner").join(&file)).unwrap();
        }
    }
}

const DISCOVER: [&str; 3] = ["package", "discover", "--refresh"];

#[test]
fn rejects_index_of_another_repository_with_same_key() {
    let machine = two();
    let found = machine.ext(&DISCOVER);
    assert_eq!(found.err, "");
    assert!(found.fine().contains("partner: 1 package, from index"));
    swap(&machine);
    let found = machine.ext(&DISCOVER);
    assert!(
        found
            .err
            .contains("the index of partner belongs to another repository: expected series ")
            && found.err.contains("`kubectl ext package forget partner`"),
        "{}",
        found.err
    );
    let found = found.fine();
    assert!(
        found.contains("tool") && !found.contains("partner: 1 package, from index"),
        "{found}"
    );
    // The next index does not continue it either.
    let refused = machine.ext(&index("partner")).wrong(1);
    assert!(
        refused.contains("belongs to another repository"),
        "{refused}"
    );
}

#[test]
fn reads_licenses_from_index() {
    let machine = two();
    fs::remove_dir_all(machine.path("repositories/partner/tool")).unwrap();
    let of = |license: &str| {
        let list = ["package", "list", "--license", license, "-o", "name"];
        machine.ext(&list).fine()
    };
    assert_eq!(of("MIT"), "app\ntool\n", "the index still has it");
    assert_eq!(of("GPL-3.0"), "");
}

#[test]
fn recreated_repository_needs_forget() {
    let machine = two();
    swap(&machine);
    let anew = [&index("partner")[..], &["--anew"]].concat();
    assert!(
        machine
            .ext(&anew)
            .fine()
            .starts_with("index 1 of partner: 1 package, 1 version,")
    );
    assert!(
        machine
            .ext(&index("partner"))
            .fine()
            .starts_with("index 2 of partner")
    );
    // The publisher recorded its state; clients that know the old index did not.
    assert_eq!(machine.ext(&DISCOVER).err, "");
    fs::write(machine.path("repositories/partner/index.json"), "{").unwrap();
    let broken = machine.ext(&index("partner")).wrong(1);
    assert!(
        broken.contains("partner: ") && broken.contains("pass --anew"),
        "{broken}"
    );
    machine.ext(&anew).fine();

    let unknown = machine.ext(&["package", "forget", "partnr"]).wrong(1);
    assert!(
        unknown.contains("no index state recorded for `partnr`\n  hint: use one of partner, team"),
        "{unknown}"
    );
    let said = machine.ext(&["package", "forget", "partner"]).fine();
    assert!(
        said.starts_with("index state of partner (serial 1) reset"),
        "{said}"
    );
    let again = machine.ext(&["package", "forget", "partner"]).wrong(1);
    assert!(again.contains("use one of team"), "{again}");
}
