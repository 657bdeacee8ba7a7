//! `kubectl ext package` and a registry over http: from one machine to another, and what the configuration says of it.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;

use machine::Machine;
use registry::Registry;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The rules of trust of a machine, without its repositories.
fn trust(machine: &Machine) -> String {
    let text = machine.configuration();
    let start = text.find("[[trust.rule]]").unwrap();
    text[start..].to_owned()
}

/// A machine with a key that it trusts, and this repository alone.
fn with(repository: &str) -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("{repository}{}", trust(&machine)));
    machine
}

/// Another machine with the same configuration and nothing else.
fn another(machine: &Machine) -> Machine {
    let other = Machine::bare();
    other.configure(&machine.configuration());
    other
}

#[test]
fn r1_r61_what_one_machine_publishes_to_a_registry_another_pulls() {
    let registry = Registry::real();
    let machine = with(&registry.repository("hub", ""));
    let folder = machine.package("mlflow", "1.2.0", "");
    let published = machine
        .ext(&["package", "publish", &folder, "--sign-with", "me.key"])
        .fine();
    let digest = published.lines().nth(1).unwrap();
    let other = another(&machine);
    let listed = other.ext(&["package", "list", "-o", "name"]).fine();
    assert_eq!(listed, "mlflow\n");
    let pulled = other
        .ext(&["package", "pull", "mlflow", "--to", "out"])
        .fine();
    assert_eq!(
        pulled.lines().next().unwrap(),
        format!("mlflow 1.2.0 pulled, {digest}")
    );
    let bytes = fs::read(other.path("work/out/mlflow-1.2.0.tar.gz")).unwrap();
    let content = extension_registry_packages::Digest::of(&bytes).to_string();
    assert_eq!(digest, format!("sha256:{content}"));
    let loaded = other
        .ext(&["package", "load", "mlflow", "--offline", "-o", "json"])
        .fine();
    assert_eq!(json(&loaded)["signedBy"][0], "me");
    assert_eq!(json(&loaded)["source"], "hub");
    assert_eq!(json(&loaded)["digest"], content);
}
