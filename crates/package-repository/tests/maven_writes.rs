//! Writing into Maven repositories: who is first, and what goes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod file_server;
mod mavens;
mod shelf;

use std::fs;
use std::sync::atomic::Ordering;

use axum::http::Method;
use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::Digest;
use extension_registry_package_repository::{Error, Release, Repository};
use extension_registry_package_transport::progress::Silent;
use file_server::{FileServer, Gather};
use mavens::{made_by_maven, packages, remote, remote_of, signature};

/// Eight publishers, all of whom see that there is no such version yet.
async fn race(bench: &Bench, server: &FileServer) -> Vec<(Digest, Result<Release, Error>)> {
    let looks = Gather::of(Method::HEAD, ".tar.gz", 8);
    *server.behaviour.gather.lock().unwrap() = Some(looks);
    let publishing = (0..8).map(|number| {
        let upload = bench.package("raced", "1.0.0", &format!("of {number}"));
        let maven = remote_of(server, &[]);
        tokio::spawn(async move {
            let outcome = maven.publish(&upload, false, &Silent).await;
            (upload.digest, outcome)
        })
    });
    let mut outcomes = Vec::new();
    for one in publishing.collect::<Vec<_>>() {
        outcomes.push(one.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn concurrent_publish_has_single_winner() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let outcomes = race(&bench, &server).await;
    let mut winners = Vec::new();
    for (digest, outcome) in outcomes {
        match outcome {
            Ok(release) => {
                assert_eq!(release.content.digest, Some(digest));
                winners.push(digest);
            }
            Err(error) => assert!(matches!(error, Error::Exists { .. }), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    // The others were refused at their content, and wrote nothing after it.
    let log = server.log();
    let described = |line: &&String| line.starts_with("PUT") && line.ends_with("raced-1.0.0.json");
    assert_eq!(log.iter().filter(described).count(), 1, "{log:?}");
    let release = maven.release("raced", &version("1.0.0")).await.unwrap();
    let digest = fetched(&maven, &release, &bench.target("came")).await;
    assert_eq!(digest, winners[0]);
}

#[tokio::test]
async fn detects_existing_version_without_conditional_writes() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let first = bench.package("tool", "1.0.0", "first");
    maven.publish(&first, false, &Silent).await.unwrap();
    server.behaviour.unconditional.store(true, Ordering::SeqCst);
    let second = bench.package("tool", "1.0.0", "second");
    let error = maven.publish(&second, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let release = maven.release("tool", &version("1.0.0")).await.unwrap();
    assert_eq!(release.content.digest, Some(first.digest));
}

#[tokio::test]
async fn concurrent_versions_are_all_kept() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    // All of them come to the list in the same moment.
    let described = Gather::of(Method::PUT, ".pom.sha256", 8);
    *server.behaviour.gather.lock().unwrap() = Some(described);
    let publishing = (0..8).map(|number| {
        let upload = bench.package("many", &format!("1.{number}.0"), "a");
        let maven = remote_of(&server, &[]);
        tokio::spawn(async move { maven.publish(&upload, false, &Silent).await.unwrap() })
    });
    for one in publishing.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    assert_eq!(maven.versions("many").await.unwrap().len(), 8);
}

#[tokio::test]
async fn preserves_concurrent_list_entries() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    // First where there was no list yet, then where there was one.
    for (own, other) in [("1.0.0", "8.0.0"), ("1.1.0", "9.0.0")] {
        let mut there = maven.versions("tool").await.unwrap();
        there.push(version(other));
        let there = there.iter().map(|one| format!("<version>{one}</version>"));
        let list = format!(
            "<metadata><versioning><versions>{}</versions></versioning></metadata>",
            there.collect::<String>()
        );
        let meddles = Some(("maven-metadata.xml", list.into_bytes()));
        *server.behaviour.meddles.lock().unwrap() = meddles;
        let upload = bench.package("tool", own, "a tool");
        maven.publish(&upload, false, &Silent).await.unwrap();
    }
    let mut versions = maven.versions("tool").await.unwrap();
    versions.sort();
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1.0.0", "1.1.0", "8.0.0", "9.0.0"]);
}

#[tokio::test]
async fn force_fails_if_signatures_cannot_be_deleted() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let first = bench.package("tool", "1.0.0", "first");
    let release = maven.publish(&first, false, &Silent).await.unwrap();
    maven
        .sign(&release, &signature("of the first"))
        .await
        .unwrap();
    server.behaviour.keeps.store(true, Ordering::SeqCst);
    let second = bench.package("tool", "1.0.0", "second");
    let error = maven.publish(&second, true, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let release = maven.release("tool", &version("1.0.0")).await.unwrap();
    assert_eq!(release.content.digest, Some(first.digest));
    assert_eq!(maven.signatures(&release).await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_server_that_denies_deletion() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.0.0", "a tool");
    maven.publish(&upload, false, &Silent).await.unwrap();
    server.behaviour.keeps.store(true, Ordering::SeqCst);
    let error = maven.delete("tool", &version("1.0.0")).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.explained().contains("405"), "{error}");
    assert_eq!(maven.versions("tool").await.unwrap(), [version("1.0.0")]);
    let release = maven.release("tool", &version("1.0.0")).await.unwrap();
    fetched(&maven, &release, &bench.target("came")).await;
}

#[tokio::test]
async fn delete_removes_and_reports_signatures() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = maven.publish(&upload, false, &Silent).await.unwrap();
    maven.sign(&release, &signature("one")).await.unwrap();
    maven.sign(&release, &signature("two")).await.unwrap();
    let deleted = maven.delete("tool", &version("1.0.0")).await.unwrap();
    for file in ["tool-1.0.0.tar.gz", "tool-1.0.0.statement.json.2.minisig"] {
        assert!(deleted.gone.iter().any(|gone| gone == file), "{deleted:?}");
    }
    assert_eq!(deleted.left, []);
    let left = shelf::files(&server.root);
    assert_eq!(left.len(), 0, "{:?}", left.keys());
}

#[tokio::test]
async fn deletes_foreign_version_with_content() {
    let bench = Bench::new();
    made_by_maven(&bench.target("repository"));
    let (maven, server) = remote(&bench, &[]).await;
    maven.delete("camel", &version("1.9.0")).await.unwrap();
    assert_eq!(maven.versions("camel").await.unwrap().len(), 2);
    assert_eq!(
        shelf::files(&packages(&server.root).join("camel/1.9.0")).len(),
        0
    );
    let text = fs::read_to_string(packages(&server.root).join("camel/maven-metadata.xml"));
    let text = text.unwrap();
    assert!(
        text.contains("<version>old</version>"),
        "others stay: {text}"
    );
    assert!(text.contains("<release>1.10.0</release>"), "{text}");
}
