//! Writing into folder repositories: who is first, what readers see meanwhile, and what goes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod folders;
mod shelf;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::{Bench, fetched, version};
use extension_registry_package_format::Digest;
use extension_registry_package_repository::{Description, Error, Repository};
use extension_registry_package_transport::progress::Silent;
use folders::{at, folder, signature};

#[tokio::test]
async fn concurrent_publish_has_one_winner() {
    let bench = Bench::new();
    let (_, root) = folder(&bench);
    let mut publishing = Vec::new();
    for number in 0..8 {
        let upload = bench.package("raced", "1.0.0", &format!("of {number}"));
        let repository = at(&root);
        publishing.push(tokio::spawn(async move {
            let outcome = repository.publish(&upload, false, &Silent).await;
            (upload.digest, outcome)
        }));
    }
    let mut winners = Vec::new();
    for one in publishing {
        match one.await.unwrap() {
            (digest, Ok(release)) => {
                assert_eq!(release.content.digest, Some(digest));
                winners.push(digest);
            }
            (_, Err(error)) => assert!(matches!(error, Error::Exists { .. }), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let repository = at(&root);
    let release = repository
        .release("raced", &version("1.0.0"))
        .await
        .unwrap();
    let digest = fetched(&repository, &release, &bench.target("came")).await;
    assert_eq!(digest, winners[0]);
}

#[tokio::test]
async fn concurrent_versions_are_all_kept() {
    let bench = Bench::new();
    let (repository, root) = folder(&bench);
    let mut publishing = Vec::new();
    for number in 0..8 {
        let upload = bench.package("many", &format!("1.{number}.0"), "a");
        let repository = at(&root);
        publishing.push(tokio::spawn(async move {
            repository.publish(&upload, false, &Silent).await.unwrap();
        }));
    }
    for one in publishing {
        one.await.unwrap();
    }
    assert_eq!(repository.versions("many").await.unwrap().len(), 8);
    let text = fs::read_to_string(root.join("many/maven-metadata.xml")).unwrap();
    assert_eq!(text.matches("<version>").count(), 8, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replacement_is_atomic_for_readers() {
    let bench = Bench::new();
    let (_, root) = folder(&bench);
    let uploads = ["one", "two"].map(|text| bench.package("tool", "1.0.0", text));
    let pairs = uploads
        .clone()
        .map(|upload| (Digest::of(&upload.configuration), upload.digest));
    at(&root)
        .publish(&uploads[0], false, &Silent)
        .await
        .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (writer, is_done) = (at(&root), Arc::clone(&done));
    let replacing = tokio::spawn(async move {
        for upload in uploads.iter().cycle().take(60) {
            writer.publish(upload, true, &Silent).await.unwrap();
        }
        is_done.store(true, Ordering::SeqCst);
    });
    let reader = at(&root);
    let mut count = 0;
    while !done.load(Ordering::SeqCst) || count == 0 {
        let release = reader.release("tool", &version("1.0.0")).await.unwrap();
        let Description::Configuration { digest, .. } = release.description else {
            panic!("{release:?}");
        };
        assert!(pairs.contains(&(digest, release.content.digest.unwrap())));
        count += 1;
    }
    replacing.await.unwrap();
}

#[tokio::test]
async fn replacement_leaves_no_stale_files() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let first = bench.package("tool", "1.0.0", "first");
    let release = folder.publish(&first, false, &Silent).await.unwrap();
    folder
        .sign(&release, &signature("of the first"))
        .await
        .unwrap();
    let blob = shelf::blob(bench.target("blob"), "tool", "1.0.0", b"no document");
    let release = folder.publish(&blob, true, &Silent).await.unwrap();
    assert_eq!(release.document, None);
    assert_eq!(folder.signatures(&release).await.unwrap(), Vec::new());
    let files = shelf::files(&root.join("tool/1.0.0"));
    let left: Vec<&String> = files
        .keys()
        .filter(|name| name.contains("docs") || name.contains("minisig"))
        .collect();
    assert_eq!(left, Vec::<&String>::new());
    let hidden: Vec<String> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.') && name != ".lock")
        .collect();
    assert_eq!(hidden, Vec::<String>::new());
}

#[tokio::test]
async fn rejects_content_modified_after_build() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.0.0", "a tool");
    fs::write(&upload.content, "changed since").unwrap();
    let error = folder.publish(&upload, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    assert_eq!(shelf::files(&root).len(), 0, "nothing was left there");
}

#[tokio::test]
async fn delete_removes_and_reports_signatures() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    folder.sign(&release, &signature("one")).await.unwrap();
    folder.sign(&release, &signature("two")).await.unwrap();
    let deleted = folder.delete("tool", &version("1.0.0")).await.unwrap();
    assert_eq!(deleted.gone, ["version 1.0.0 of tool", "its signatures: 2"]);
    assert_eq!(deleted.left, []);
    assert_eq!(shelf::files(&root).len(), 0);
    assert!(!root.join("tool").exists());
}
