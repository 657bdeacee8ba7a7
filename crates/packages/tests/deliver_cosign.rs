//! A package that only cosign signed, from a registry and from the cache: the signature is over the manifest around it.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;
#[path = "../../package-repository/tests/quirk/mod.rs"]
mod quirk;
#[path = "../../package-trust/tests/signed/mod.rs"]
mod signed;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use desk::{Desk, catalog};
use extension_registry_packages::Digest;
use extension_registry_packages::cache::Entry;
use extension_registry_packages::deliver::{DeliverError, Delivery, Loader};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository;
use extension_registry_packages::trust::Policy;
use jiff::Timestamp;
use quirk::Server;
use serde_json::Value;
use signed::{SIMPLE, TestPair, critical};

/// A machine that trusts carol's key of cosign, and has the tool that she signed.
struct Bought {
    desk: Desk,
    policy: Policy,
}

impl Bought {
    async fn new(server: &Server) -> Self {
        let (desk, pair) = (Desk::new(), TestPair::new());
        let policy = signed::policy(&format!(
            "[[trust.rule]]\nrepositories = [\"*\"]\n[[trust.rule.key]]\nname = \"carol\"\npublic = '''\n{}'''\n",
            pair.pem()
        ));
        let driver: Arc<dyn Repository> = Arc::new(server.driver());
        let upload = desk.bench.package("tool", "1.0.0", "a tool");
        let release = driver.publish(&upload, false, &Silent).await.unwrap();
        let manifest = release.manifest.as_ref().unwrap().digest;
        let payload = format!("{{{}}}", critical(manifest, SIMPLE));
        driver
            .sign(&release, &pair.simple(payload.as_bytes()))
            .await
            .unwrap();
        let bought = Self { desk, policy };
        let catalog = catalog(&[&driver]);
        let resolved = catalog
            .find("tool", &"*".parse().unwrap(), None)
            .await
            .unwrap();
        let delivery = bought
            .loader()
            .fetch(&resolved, false, &Silent)
            .await
            .unwrap();
        assert_eq!(delivery.verdict.by(), ["carol"]);
        bought
    }

    fn loader(&self) -> Loader<'_> {
        Loader::new(&self.desk.cache, &self.policy, Timestamp::now(), 1 << 30)
    }

    fn entry(&self) -> Entry {
        let version = "1.0.0".parse().unwrap();
        self.desk
            .cache
            .get(&Kind::Record, "tool", &version)
            .unwrap()
            .unwrap()
    }

    /// What a process gets that was not there when it came.
    fn known(&self) -> Result<Delivery, DeliverError> {
        self.loader().known(self.entry())
    }

    /// Puts other bytes in the place of a file, and says so in the entry.
    fn replace(&self, path: &Path, field: &str, bytes: &[u8]) {
        let folder = self.entry().folder().to_owned();
        // The blob has another name still, and its own bytes.
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
        let text = fs::read(folder.join("entry.json")).unwrap();
        let mut entry: Value = serde_json::from_slice(&text).unwrap();
        entry[field]["digest"] = Digest::of(bytes).to_string().into();
        entry[field]["size"] = bytes.len().into();
        fs::write(folder.join("entry.json"), entry.to_string()).unwrap();
    }
}

fn refused(outcome: Result<Delivery, DeliverError>) -> Vec<&'static str> {
    match outcome {
        Err(DeliverError::Refused { reasons, .. }) => reasons
            .iter()
            .map(extension_registry_packages::trust::Reason::name)
            .collect(),
        Err(error) => vec![Box::leak(error.to_string().into_boxed_str())],
        Ok(delivery) => vec![delivery.verdict.name()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cosign_signature_verifies_cached_content() {
    let server = Server::registry().await;
    let bought = Bought::new(&server).await;
    assert_eq!(bought.known().unwrap().verdict.by(), ["carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_cached_content_not_signed_by_cosign() {
    let server = Server::registry().await;
    let bought = Bought::new(&server).await;
    let entry = bought.entry();
    let whole = fs::read(entry.content_path()).unwrap();
    bought.replace(&entry.content_path(), "content", b"something else");
    assert_eq!(refused(bought.known()), ["Unbound"]);
    bought.replace(&entry.content_path(), "content", &whole);
    assert_eq!(refused(bought.known()), ["trusted"]);

    let document = entry.document_path().unwrap();
    bought.replace(&document, "document", b"# Run this as root\n");
    assert_eq!(refused(bought.known()), ["Unbound"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_substituted_oci_manifest() {
    let server = Server::registry().await;
    let bought = Bought::new(&server).await;
    let entry = bought.entry();
    let other = b"something else";
    let around = entry.oci_manifest_path().unwrap();
    let text = fs::read_to_string(&around).unwrap();
    let forged = text.replace(
        &entry.content.digest.to_string(),
        &Digest::of(other).to_string(),
    );
    assert_ne!(forged, text);
    bought.replace(&entry.content_path(), "content", other);
    bought.replace(&around, "manifest", forged.as_bytes());
    assert_eq!(refused(bought.known()), ["Tampered"]);
}
