//! The tools that others sign with, Debian's `minisign` and `cosign`, and this program: each verifies what the
//! other signed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod signed;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_trust::signature::minisign;
use extension_registry_package_trust::signature::{Fault, Format, Signature, SignedPayload};
use signed::{key, leave_out, statement};

/// Debian's `minisign`.
struct Tool(PathBuf);

impl Tool {
    fn new() -> Option<Self> {
        let found = find("minisign").map(Self);
        if found.is_none() {
            leave_out(
                "minisign",
                "the tool is not there; hint: apt-get install minisign",
            );
        }
        found
    }

    fn run(&self, folder: &Path, arguments: &[&str], input: Option<&str>) -> bool {
        let mut child = Command::new(&self.0)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(input.unwrap_or_default().as_bytes())
            .unwrap();
        drop(stdin);
        child.wait().unwrap().success()
    }

    fn sign(
        &self,
        folder: &Path,
        secret: &Path,
        payload: &[u8],
        comment: Option<&str>,
        password: Option<&str>,
    ) -> Signature {
        fs::write(folder.join("statement"), payload).unwrap();
        let secret = secret.to_str().unwrap();
        let mut arguments = vec!["-S", "-s", secret, "-m", "statement"];
        arguments.extend(comment.map(|comment| ["-t", comment]).iter().flatten());
        let input = password.map(|password| format!("{password}\n"));
        assert!(self.run(folder, &arguments, input.as_deref()));
        Signature {
            format: Format::Minisign,
            payload: payload.to_vec(),
            signature: fs::read(folder.join("statement.minisig")).unwrap(),
        }
    }

    fn verifies(&self, folder: &Path, public: &str, signature: &Signature) -> bool {
        fs::write(folder.join("file"), &signature.payload).unwrap();
        fs::write(folder.join("file.minisig"), &signature.signature).unwrap();
        fs::write(folder.join("key.pub"), public).unwrap();
        self.run(folder, &["-V", "-p", "key.pub", "-m", "file"], None)
    }
}

#[test]
fn minisign_verifies_our_signatures() {
    let Some(tool) = Tool::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    for password in [None, Some(Sensitive::from("a password"))] {
        let pair = minisign::generate(password.as_ref()).unwrap();
        let statement = statement("mlflow", "1.2.0");
        let mut signature = minisign::sign(&statement, &pair.secret, password.as_ref()).unwrap();
        assert!(tool.verifies(folder.path(), &pair.public, &signature));
        signature.payload.push(b' ');
        assert!(!tool.verifies(folder.path(), &pair.public, &signature));
    }
}

#[test]
fn minisign_signs_with_our_keys() {
    let Some(tool) = Tool::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    for password in [None, Some("a password")] {
        let sensitive = password.map(Sensitive::from);
        let pair = minisign::generate(sensitive.as_ref()).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, pair.secret.reveal()).unwrap();
        let statement = statement("mlflow", "1.2.0");
        let signature = tool.sign(folder.path(), &secret, &statement.to_json(), None, password);
        assert_eq!(
            key(&pair.public).verify(&signature),
            Ok(SignedPayload::Package(statement))
        );
    }
}

#[test]
fn signs_with_minisign_keys() {
    let Some(tool) = Tool::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-G", "-W", "-p", "made.pub", "-s", "made.key"];
    assert!(tool.run(folder.path(), &arguments, None));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (secret, public) = (Sensitive::from(read("made.key").as_str()), read("made.pub"));
    let statement = statement("mlflow", "1.2.0");
    let signature = minisign::sign(&statement, &secret, None).unwrap();
    assert_eq!(
        key(&public).verify(&signature),
        Ok(SignedPayload::Package(statement))
    );
    assert!(tool.verifies(folder.path(), &public, &signature));
}

#[test]
#[ignore = "the tool's keys take a gigabyte of memory to open; run it with --ignored"]
fn signs_with_encrypted_minisign_keys() {
    let Some(tool) = Tool::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-G", "-p", "made.pub", "-s", "made.key"];
    assert!(tool.run(folder.path(), &arguments, Some("pass\npass\n")));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let secret = Sensitive::from(read("made.key").as_str());
    let password = Sensitive::from("pass");
    let signature =
        minisign::sign(&statement("mlflow", "1.2.0"), &secret, Some(&password)).unwrap();
    assert!(tool.verifies(folder.path(), &read("made.pub"), &signature));
}

#[test]
fn rejects_conflicting_trusted_comment() {
    let pair = minisign::generate(None).unwrap();
    let Some(tool) = Tool::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("key");
    fs::write(&secret, pair.secret.reveal()).unwrap();
    let other = String::from_utf8(statement("other", "1.0.0").to_json()).unwrap();
    let payload = statement("mlflow", "1.2.0").to_json();
    let signature = tool.sign(folder.path(), &secret, &payload, Some(&other), None);
    let verified = key(&pair.public).verify(&signature);
    assert!(matches!(verified, Err(Fault::Foreign(_))), "{verified:?}");
}

#[test]
fn verifies_statement_signed_by_cosign() {
    let Some(cosign) = find("cosign") else {
        leave_out(
            "cosign",
            "the tool is not there; what it wrote before is tested",
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(&cosign)
            .args(arguments)
            .env("COSIGN_PASSWORD", "")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    run(&["generate-key-pair"]);
    let statement = statement("mlflow", "1.2.0");
    fs::write(folder.path().join("statement"), statement.to_json()).unwrap();
    let signature = run(&[
        "sign-blob",
        "--yes",
        "--tlog-upload=false",
        "--new-bundle-format=false",
        "--key=cosign.key",
        "statement",
    ]);
    let public = fs::read_to_string(folder.path().join("cosign.pub")).unwrap();
    let signature = Signature {
        format: Format::CosignSimple,
        payload: statement.to_json(),
        signature,
    };
    assert_eq!(
        key(&public).verify(&signature),
        Ok(SignedPayload::Package(statement))
    );
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|path| path.is_file())
}
