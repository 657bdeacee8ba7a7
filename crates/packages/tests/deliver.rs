//! From a source to this machine: what is judged, what is fetched, what stays.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;
#[path = "../../package-repository/tests/quirk/mod.rs"]
mod quirk;

use std::fs;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::Arc;

use desk::{Desk, catalog};
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::catalog::ResolvedVersion;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::deliver::{DeliverError, Delivery, Loader, Step};
use extension_registry_packages::package;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository;
use extension_registry_packages::repository::maven::{self, Maven, Place};
use extension_registry_packages::signature::Statement;
use extension_registry_packages::trust::Policy;
use jiff::Timestamp;

/// Brings the newest version of the tool.
async fn fetch(desk: &Desk, repository: &Arc<dyn Repository>) -> Result<Delivery, DeliverError> {
    let catalog = catalog(&[repository]);
    let resolved = newest(&catalog).await;
    desk.loader().fetch(&resolved, false, &Silent).await
}

async fn newest(catalog: &extension_registry_packages::catalog::Catalog) -> ResolvedVersion<'_> {
    catalog
        .find("tool", &"*".parse().unwrap(), None)
        .await
        .unwrap()
}

fn nothing_is_kept(desk: &Desk) {
    assert_eq!(desk.cache.list().entries.len(), 0);
    assert_eq!(desk.cache.stats().blobs, 0);
}

#[tokio::test]
async fn rejects_added_document_before_storing() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let mut upload = desk.bench.package("tool", "1.2.0", "a tool");
    upload.document = None;
    desk.publish(&*folder, &upload).await;
    // With no checksum that could be trusted: its digest is known when it is here.
    let path = desk.root("team").join("tool/1.2.0/tool-1.2.0-docs.md");
    fs::write(&path, "# Run this as root\n").unwrap();
    let sum = Command::new("sha1sum").arg(&path).output().unwrap().stdout;
    fs::write(path.with_extension("md.sha1"), sum).unwrap();
    let error = fetch(&desk, &folder).await.unwrap_err();
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("document"), "{error}");
    nothing_is_kept(&desk);
}

#[tokio::test]
async fn refetches_corrupt_or_untrusted_entry() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    let release = desk.publish(&*folder, &upload).await;
    let first = fetch(&desk, &folder).await.unwrap();
    let path = first.entry.content_path();
    let whole = fs::read(&path).unwrap();
    // As long as before: only its digest tells.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"spoiled", 0).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64);
    let again = fetch(&desk, &folder).await.unwrap();
    assert_eq!(fs::read(again.entry.content_path()).unwrap(), whole);
    // Signed again by somebody who counts now: the signatures that are here are those of before.
    let successor = Desk::new();
    let statement = Statement::of_upload(&upload);
    successor.sign(&*folder, &release, &statement).await;
    let catalog = catalog(&[&folder]);
    let resolved = newest(&catalog).await;
    let loader = Loader::new(&desk.cache, &successor.policy, Timestamp::now(), 1 << 30);
    let any = "*".parse().unwrap();
    let error = loader.here("tool", &any, None).unwrap_err();
    assert!(error.is_cache_error(), "{error}");
    loader.fetch(&resolved, false, &Silent).await.unwrap();
    assert!(loader.here("tool", &any, None).unwrap().is_some());
}

#[tokio::test]
async fn looks_up_memory_then_cache_then_source() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    desk.publish(&*folder, &upload).await;
    let catalog = catalog(&[&folder]);
    let resolved = newest(&catalog).await;
    let loader = desk.loader();
    let any = "*".parse().unwrap();
    assert!(loader.here("tool", &any, None).unwrap().is_none());
    let delivery = loader.fetch(&resolved, false, &Silent).await.unwrap();
    assert_eq!(
        delivery.steps,
        [
            Step::Source("team".to_owned()),
            Step::Trust(vec!["alice".to_owned()]),
            Step::Download { bytes: upload.size },
            Step::Stored,
        ]
    );
    let again = loader.here("tool", &any, None).unwrap().unwrap();
    assert_eq!(again.steps, [Step::Memory]);
    // Another process, and the source is gone.
    fs::remove_dir_all(desk.root("team")).unwrap();
    let later = desk.loader().here("tool", &any, None).unwrap().unwrap();
    assert_eq!(
        later.steps,
        [Step::Cache, Step::Trust(vec!["alice".to_owned()])]
    );
    assert_eq!(later.entry.content.digest, upload.digest);
}

/// The same from each kind of source.
#[tokio::test(flavor = "multi_thread")]
async fn delivers_only_trusted_packages_from_every_kind() {
    let server = quirk::Server::registry().await;
    for kind in ["folder", "maven", "oci"] {
        let desk = Desk::new();
        let repository: Arc<dyn Repository> = match kind {
            "folder" => desk.folder("team"),
            "maven" => {
                let settings = maven::Settings {
                    id: "team".to_owned(),
                    place: Place::Folder(desk.root("team")),
                    group: "io.fuseml".to_owned(),
                    names: Vec::new(),
                };
                Arc::new(Maven::new(settings, None, Credentials::Anonymous).unwrap())
            }
            _ => Arc::new(server.driver()),
        };
        let upload = desk.bench.package("tool", "1.2.0", "a tool");
        repository.publish(&upload, false, &Silent).await.unwrap();
        let error = fetch(&desk, &repository).await.unwrap_err();
        assert!(
            error.to_string().contains("is not signed"),
            "{kind}: {error}"
        );
        nothing_is_kept(&desk);

        // Of another version, of another package, of another content.
        let statement = Statement::of_upload(&upload);
        let mut others = Vec::new();
        let mut other = statement.clone();
        other.version = "1.3.0".parse().unwrap();
        others.push((other, "tool 1.3.0"));
        let mut other = statement.clone();
        other.name = "loot".to_owned();
        others.push((other, "loot 1.2.0"));
        let mut other = statement.clone();
        other.content = extension_registry_packages::Digest::of(b"other");
        others.push((other, "content"));
        for (other, verdict_warnings) in others {
            // Where signatures are files, all are of one statement: each begins anew.
            let release = repository.publish(&upload, true, &Silent).await.unwrap();
            desk.sign(&*repository, &release, &other).await;
            let error = fetch(&desk, &repository).await.unwrap_err();
            assert!(
                matches!(error, DeliverError::Refused { .. }),
                "{kind}: {error}"
            );
            assert!(
                error.to_string().contains(verdict_warnings),
                "{kind}: {verdict_warnings}: {error}"
            );
            nothing_is_kept(&desk);
        }
        // Of a key that nobody approved.
        let release = repository.publish(&upload, true, &Silent).await.unwrap();
        let stranger = Desk::new();
        stranger.sign(&*repository, &release, &statement).await;
        let error = fetch(&desk, &repository).await.unwrap_err();
        assert!(
            error.to_string().contains("signed by untrusted key"),
            "{kind}: {error}"
        );

        desk.sign(&*repository, &release, &statement).await;
        let delivery = fetch(&desk, &repository).await.unwrap();
        assert_eq!(delivery.verdict.by(), ["alice"], "{kind}");
        // The same content from each.
        assert_eq!(delivery.entry.content.digest, upload.digest, "{kind}");
    }
}

#[tokio::test]
async fn rejects_modified_content_and_stores_nothing() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    desk.publish(&*folder, &upload).await;
    let path = desk.root("team").join("tool/1.2.0/tool-1.2.0.tar.gz");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    // With checksums that agree: they are never trust.
    fs::write(&path, &bytes).unwrap();
    for (ending, tool) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
    ] {
        let sum = std::process::Command::new(tool)
            .arg(&path)
            .output()
            .unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        let sum = sum.split_whitespace().next().unwrap();
        fs::write(format!("{}.{ending}", path.display()), sum).unwrap();
    }
    let error = fetch(&desk, &folder).await.unwrap_err();
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("the content was modified after alice signed it"),
        "{error}"
    );
    nothing_is_kept(&desk);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_pull_downloads_nothing() {
    let desk = Desk::new();
    let server = quirk::Server::registry().await;
    let registry: Arc<dyn Repository> = Arc::new(server.driver());
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    desk.publish(&*registry, &upload).await;
    let content = format!("/blobs/{}", upload.digest.oci());
    let fetched = || {
        let lines: Vec<String> = server
            .asked()
            .iter()
            .map(quirk::RecordedRequest::line)
            .collect();
        lines
            .iter()
            .filter(|line| line.starts_with("GET") && line.ends_with(&content))
            .count()
    };
    assert!(fetch(&desk, &registry).await.unwrap().was_fetched());
    assert_eq!(fetched(), 1);
    assert!(!fetch(&desk, &registry).await.unwrap().was_fetched());
    assert_eq!(fetched(), 1);
}

#[tokio::test]
async fn revoked_key_invalidates_cached_packages() {
    let mut desk = Desk::new();
    let folder = desk.folder("team");
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    desk.publish(&*folder, &upload).await;
    fetch(&desk, &folder).await.unwrap();
    desk.policy.rules[0].keys[0].revoked = Some("lost with a laptop".to_owned());
    let any = "*".parse().unwrap();
    let error = desk.loader().here("tool", &any, None).unwrap_err();
    assert!(error.to_string().contains("lost with a laptop"), "{error}");
}

#[tokio::test]
async fn warn_mode_delivers_with_reasons() {
    let mut desk = Desk::new();
    desk.policy = Policy::read(&"mode = \"warn\"".parse().unwrap()).unwrap();
    let folder = desk.folder("team");
    let upload = desk.bench.package("tool", "1.2.0", "a tool");
    folder.publish(&upload, false, &Silent).await.unwrap();
    let delivery = fetch(&desk, &folder).await.unwrap();
    assert!(
        delivery
            .warnings
            .iter()
            .any(|one| one.message.contains("is not signed")),
        "{delivery:?}"
    );
    assert_eq!(delivery.entry.trusted_by, Vec::<String>::new());
}

#[tokio::test]
async fn changed_version_needs_force() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let first = desk.bench.package("tool", "1.2.0", "first");
    desk.publish(&*folder, &first).await;
    fetch(&desk, &folder).await.unwrap();
    let second = desk.bench.package("tool", "1.2.0", "second");
    let release = folder.publish(&second, true, &Silent).await.unwrap();
    desk.sign(&*folder, &release, &Statement::of_upload(&second))
        .await;
    let error = fetch(&desk, &folder).await.unwrap_err().to_string();
    assert!(error.contains(&first.digest.to_string()), "{error}");
    assert!(error.contains(&second.digest.to_string()), "{error}");
    let catalog = catalog(&[&folder]);
    let resolved = newest(&catalog).await;
    let forced = desk.loader().fetch(&resolved, true, &Silent).await.unwrap();
    assert_eq!(forced.entry.content.digest, second.digest);
}

#[tokio::test]
async fn never_loads_unsupported_type() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let source = desk.bench.path().join("camel");
    fs::create_dir(&source).unwrap();
    let manifest = "extension: {name: tool, version: 1.2.0, type: camel}";
    fs::write(source.join("extension.yaml"), manifest).unwrap();
    let target = desk.bench.path().join("camel.tar.gz");
    let upload = package::build(&source, &target, Limits::default()).unwrap();
    desk.publish(&*folder, &upload).await;
    let error = fetch(&desk, &folder).await.unwrap_err();
    assert!(error.to_string().contains("type `camel`"), "{error}");
    nothing_is_kept(&desk);
}

#[tokio::test]
async fn reports_document_of_another_package() {
    let desk = Desk::new();
    let folder = desk.folder("team");
    let mut upload = desk.bench.package("tool", "1.2.0", "a tool");
    let other = desk.bench.package("tool", "1.1.0", "another");
    upload.document = other.document;
    desk.publish(&*folder, &upload).await;
    let delivery = fetch(&desk, &folder).await.unwrap();
    let verdict_warnings = delivery
        .warnings
        .iter()
        .any(|one| one.message.contains("the document is for another package"));
    assert!(verdict_warnings, "{:?}", delivery.warnings);
}
