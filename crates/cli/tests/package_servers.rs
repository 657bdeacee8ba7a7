//! Tests of each kind of server, and of a server with a private CA.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod machine;
mod registry;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use machine::{Machine, another, trust, with};
use registry::gitea::gitea;
use registry::secure::Secure;
use registry::{Files, Registry};

/// Publishes a package, pulls it from another machine with the same configuration, and compares the digests.
#[track_caller]
fn check_publish_and_pull(machine: &Machine) -> Machine {
    let folder = machine.package("mlflow", "1.2.0", "");
    let publish = ["package", "publish", &folder, "--sign-with", "me.key"];
    let published = machine.ext(&publish).fine();
    let digest = published.lines().nth(1).unwrap();
    let again = machine.ext(&publish).wrong(1);
    assert!(
        again.contains("version 1.2.0 of mlflow already exists in hub"),
        "{again}"
    );
    let other = another(machine);
    let listed = other.ext(&["package", "list", "-o", "name"]).fine();
    assert_eq!(listed, "mlflow\n");
    let found = other
        .ext(&["package", "search", "flow", "-o", "name"])
        .fine();
    assert_eq!(found, "mlflow\n");
    let pulled = other.ext(&["package", "pull", "mlflow"]).fine();
    assert_eq!(pulled, format!("mlflow 1.2.0 pulled, {digest}\n"));
    other
        .ext(&["package", "load", "mlflow", "--offline"])
        .fine();
    other
}

#[test]
fn delivers_from_maven_over_http() {
    let machine = Machine::new();
    let files = Files::of(&machine.path("repositories"));
    let url = &files.server.url;
    machine.configure(&format!(
        "[[repository]]\nname = \"hub\"\nkind = \"maven\"\nurl = \"{url}\"\ngroup = \"org.example\"\nnames = [\"mlflow\"]\n\n{}",
        trust(&machine)
    ));
    let other = check_publish_and_pull(&machine);
    assert!(machine.path("repositories/org/example/mlflow").exists());
    let gone = other
        .ext(&["package", "delete", "mlflow", "1.2.0", "--yes"])
        .fine();
    assert!(gone.contains("deleted"), "{gone}");
}

#[test]
fn delivers_from_gitea_with_token() {
    let server = Registry::of(gitea("token a-token"));
    let machine = with("");
    let token = machine.path("token");
    fs::write(&token, "a-token\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    machine.configure(&format!(
        "[[repository]]\nname = \"hub\"\nkind = \"gitea\"\nurl = \"http://{}\"\nowner = \"me\"\nauth_token_path = \"{}\"\n\n{}",
        server.host(),
        token.display(),
        trust(&machine)
    ));
    let other = check_publish_and_pull(&machine);
    let gone = other
        .ext(&["package", "delete", "mlflow", "1.2.0", "--yes"])
        .fine();
    assert!(gone.contains("deleted"), "{gone}");
    // A wrong token is reported in one sentence.
    fs::write(&token, "a-bad-word\n").unwrap();
    let refused = machine.ext(&["package", "info", "mlflow"]).wrong(1);
    assert!(!refused.contains("a-bad-word"), "{refused}");
    let sentences = refused.lines().filter(|line| !line.starts_with("  hint: "));
    assert_eq!(sentences.count(), 1, "{refused}");
    assert!(refused.contains("read:package"), "{refused}");
}

#[test]
fn ca_adds_certificate_authorities() {
    let registry = Secure::start();
    let hub = format!(
        "[[repository]]\nname = \"hub\"\nkind = \"oci\"\nurl = \"https://{}/extensions\"\nretry_count = 0\n",
        registry.address
    );
    let machine = with(&format!("{hub}\n"));
    let checked = machine.ext(&["package", "test-oci", "hub"]);
    assert_eq!(checked.code, 11, "{}{}", checked.out, checked.err);
    let tls = checked.out.lines().find(|line| line.starts_with("TLS "));
    assert!(tls.unwrap().contains("fail"), "{}", checked.out);
    assert!(
        checked
            .out
            .contains("hint: if its certificate is from a private CA"),
        "{}",
        checked.out
    );
    let ca = machine.path("ca.pem");
    fs::write(&ca, &registry.certificate).unwrap();
    machine.configure(&format!(
        "{hub}ca = \"{}\"\n\n{}",
        ca.display(),
        trust(&machine)
    ));
    let checked = machine.ext(&["package", "test-oci", "hub"]).fine();
    assert!(checked.contains("the certificate is trusted"), "{checked}");
    check_publish_and_pull(&machine);
}
