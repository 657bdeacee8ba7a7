//! What is signed in tests, and what cosign really signed.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_package_format::{Digest, manifest};
use extension_registry_package_trust::signature::IndexFile;
use extension_registry_package_trust::signature::minisign::{self, NewKey};
use extension_registry_package_trust::signature::{Format, PublicKey, Signature, Statement};
use extension_registry_package_trust::trust::{Policy, PolicyError};
use jiff::Timestamp;
use proptest::prelude::prop;

pub(crate) fn statement(name: &str, version: &str) -> Statement {
    let text = format!("extension: {{name: {name}, version: {version}}}\n");
    let manifest = manifest::read(&text).0.unwrap();
    Statement::of(
        &manifest,
        Digest::of(b"content"),
        Some(Digest::of(b"configuration")),
        None,
    )
}

pub(crate) fn key(text: &str) -> PublicKey {
    PublicKey::read(text).unwrap()
}

pub(crate) fn data(name: &str) -> Vec<u8> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../package-trust/tests/data/cosign"
    );
    fs::read(Path::new(folder).join(name)).unwrap()
}

pub(crate) fn cosign_key() -> PublicKey {
    key(&String::from_utf8(data("cosign.pub")).unwrap())
}

pub(crate) fn simple(payload: &str, signature: &str) -> Signature {
    Signature {
        format: Format::CosignSimple,
        payload: data(payload),
        signature: data(signature),
    }
}

pub(crate) fn bundle(payload: &[u8], name: &str) -> Signature {
    Signature {
        format: Format::SigstoreBundle,
        payload: payload.to_vec(),
        signature: data(name),
    }
}

/// A line that is seen also where the output of tests is captured.
pub(crate) fn leave_out(part: &str, why: &str) {
    let line = format!("SKIPPED: {part}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

pub(crate) const SIMPLE: &str = "cosign container image signature";

pub(crate) fn critical(manifest: Digest, purpose: &str) -> String {
    format!(
        "\"critical\":{{\"identity\":{{\"docker-reference\":\"a\"}},\"image\":\
         {{\"docker-manifest-digest\":\"sha256:{manifest}\"}},\"type\":\"{purpose}\"}}"
    )
}

/// A key pair of cosign's kind, for what cosign itself would never sign.
pub(crate) struct TestPair(ring::signature::EcdsaKeyPair);

impl TestPair {
    pub(crate) fn new() -> Self {
        use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
        let random = ring::rand::SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random);
        Self(pair.unwrap())
    }

    pub(crate) fn public(&self) -> PublicKey {
        key(&self.pem())
    }

    pub(crate) fn pem(&self) -> String {
        use ring::signature::KeyPair;
        // The head of a key that is not this one, and the point of this one.
        let pem = String::from_utf8(data("cosign.pub")).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = STANDARD.decode(body).unwrap();
        der.truncate(26);
        der.extend_from_slice(self.0.public_key().as_ref());
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        )
    }

    pub(crate) fn simple(&self, payload: &[u8]) -> Signature {
        let random = ring::rand::SystemRandom::new();
        let signature = self.0.sign(&random, payload).unwrap();
        Signature {
            format: Format::CosignSimple,
            payload: payload.to_vec(),
            signature: STANDARD.encode(signature).into_bytes(),
        }
    }
}

pub(crate) fn changed(bytes: &[u8], place: prop::sample::Index, by: u8) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[place.index(bytes.len())] ^= by;
    changed
}

/// Somebody who signs with minisign.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pair: NewKey,
}

impl Person {
    pub(crate) fn new(name: &'static str) -> Self {
        let pair = minisign::generate(None).unwrap();
        Self { name, pair }
    }

    pub(crate) fn sign(&self, statement: &Statement) -> Signature {
        minisign::sign(statement, &self.pair.secret, None).unwrap()
    }

    /// Another signature over the same: its first line differs, which nobody signs.
    pub(crate) fn sign_again(&self, statement: &Statement) -> Signature {
        let mut signature = self.sign(statement);
        let text = String::from_utf8(signature.signature).unwrap();
        let text = text.replacen("untrusted comment: ", "untrusted comment: again, ", 1);
        signature.signature = text.into_bytes();
        signature
    }

    pub(crate) fn public(&self) -> PublicKey {
        key(&self.pair.public)
    }

    /// The text of the file that nobody else reads.
    pub(crate) fn secret(&self) -> &str {
        self.pair.secret.reveal()
    }

    /// The second line of the `.pub` file.
    pub(crate) fn public_line(&self) -> &str {
        self.pair.public.lines().nth(1).unwrap()
    }

    /// The key with another id, which is only a label.
    pub(crate) fn relabelled(&self) -> String {
        let mut bytes = STANDARD.decode(self.public_line()).unwrap();
        bytes[2] ^= 1;
        STANDARD.encode(bytes)
    }

    /// A key of the policy.
    pub(crate) fn toml(&self) -> String {
        self.toml_with("")
    }

    /// The same with more fields.
    pub(crate) fn toml_with(&self, more: &str) -> String {
        let (name, line) = (self.name, self.public_line());
        format!("[[trust.rule.key]]\nname = \"{name}\"\npublic = \"{line}\"\n{more}\n")
    }

    /// A signature of somebody else that names this key.
    pub(crate) fn named_in(&self, signature: Signature) -> Signature {
        let line = STANDARD.decode(self.public_line()).unwrap();
        named(signature, &line[2..10])
    }

    /// A signature of this key that names it as [`Person::relabelled`] does.
    pub(crate) fn relabel(&self, signature: Signature) -> Signature {
        let line = STANDARD.decode(self.relabelled()).unwrap();
        named(signature, &line[2..10])
    }

    /// These bytes as the index of a repository.
    pub(crate) fn index(&self, bytes: Vec<u8>) -> IndexFile {
        let signature = minisign::sign_index(&bytes, &self.pair.secret, None).unwrap();
        IndexFile {
            bytes,
            signatures: vec![signature],
        }
    }
}

/// A signature that names another key. The name is not signed.
fn named(mut signature: Signature, id: &[u8]) -> Signature {
    let text = String::from_utf8(signature.signature).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut bytes = STANDARD.decode(&lines[1]).unwrap();
    bytes[2..10].copy_from_slice(id);
    lines[1] = STANDARD.encode(bytes);
    signature.signature = (lines.join("\n") + "\n").into_bytes();
    signature
}

/// A policy from the configuration that holds it.
pub(crate) fn policy(text: &str) -> Policy {
    read_policy(text).unwrap()
}

pub(crate) fn read_policy(text: &str) -> Result<Policy, PolicyError> {
    let table: toml::Table = text.parse().unwrap();
    Policy::read(table["trust"].as_table().unwrap())
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Whose the indexes of tests are.
pub(crate) const SERIES: &str = "00112233445566778899aabbccddeeff";

/// An index without packages, which counts for 30 days from the beginning of June 2026 on.
pub(crate) fn index_file(person: &Person, serial: u64) -> IndexFile {
    let json = format!(
        "{{\"apiVersion\":\"packages.fuseml.io/index/v1\",\"series\":\"{SERIES}\",\"serial\":{serial},\
         \"created\":\"2026-06-01T00:00:00Z\",\"expires\":\"2026-07-01T00:00:00Z\",\"packages\":[]}}"
    );
    person.index(json.into_bytes())
}
