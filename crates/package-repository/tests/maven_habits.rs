//! Maven repositories behind servers with habits of their own: S3, web portals, compressing proxies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod file_server;
mod mavens;
mod quirk;
mod shelf;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use axum::response::Response;
use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::bundle::Limits;
use extension_registry_package_format::package;
use extension_registry_package_repository::maven::{Maven, Place, Settings};
use extension_registry_package_repository::{Error, PartialDownload, Repository};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Silent;
use flate2::Compression;
use flate2::write::GzEncoder;
use mavens::{GROUP, local, packages, signature, transport};
use quirk::{RecordedRequest, Server, answer};

/// What a server sends for a file, and for none.
#[derive(Clone, Copy)]
enum Habit {
    /// 403 for a file that does not exist, as S3 without `s3:ListBucket`.
    Forbidden,
    /// A page with status 200 for a file that does not exist.
    Page,
    /// Every file compressed, whether requested or not.
    Compressed,
    /// Archives declared as encoded although they are sent as they are, as with `AddEncoding x-gzip .gz`.
    Labelled,
    /// A coding that was not requested.
    Brotli,
}

const PAGE: &str = "<!DOCTYPE html>\n<html><body>Welcome</body></html>";

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn serve(root: &std::path::Path, habit: Habit, asked: &RecordedRequest) -> Response {
    let path = asked.path.replace("%2B", "+");
    let path = root.join(path.trim_start_matches("/repo/"));
    let is_head = asked.method == "HEAD";
    let Ok(bytes) = fs::read(&path) else {
        return match habit {
            Habit::Forbidden => answer(403, &[("content-type", "application/xml")], "<Error/>"),
            Habit::Page if is_head => {
                answer(200, &[("content-type", "text/html; charset=utf-8")], "")
            }
            Habit::Page => answer(200, &[("content-type", "text/html; charset=utf-8")], PAGE),
            _ => answer(404, &[], ""),
        };
    };
    let is_archive = path.extension().is_some_and(|ending| ending == "gz");
    let (encoding, bytes) = match habit {
        Habit::Compressed if !is_archive => ("gzip", compressed(&bytes)),
        Habit::Labelled if is_archive => ("x-gzip", bytes),
        Habit::Brotli => ("br", bytes),
        _ => ("identity", bytes),
    };
    let length = bytes.len().to_string();
    let headers = [
        ("content-encoding", encoding),
        ("content-length", length.as_str()),
    ];
    answer(200, &headers, if is_head { Vec::new() } else { bytes })
}

async fn started(bench: &Bench, habit: Habit) -> (Server, Maven, PathBuf) {
    let root = bench.target("repository");
    fs::create_dir_all(&root).unwrap();
    let files = root.clone();
    let server = Server::of(move |asked| Some(serve(&files, habit, asked))).await;
    let settings = Settings {
        id: "central".to_owned(),
        place: Place::Http(server.url("/repo/")),
        group: GROUP.to_owned(),
        names: Vec::new(),
    };
    let maven = Maven::new(settings, Some(transport()), Credentials::Anonymous).unwrap();
    (server, maven, root)
}

/// Publishes a bundle without a document, and a template of one file, each with a signature.
async fn published(bench: &Bench, root: &std::path::Path) {
    let publisher = local(root);
    let mut upload = bench.package("tool", "1.2.0", "a tool");
    upload.document = None;
    let release = publisher.publish(&upload, false, &Silent).await.unwrap();
    publisher.sign(&release, &signature("one")).await.unwrap();
    let folder = bench.target("single");
    fs::create_dir(&folder).unwrap();
    let manifest = "extension: {name: single, version: 1.0.0, packaging: template}\n\
        templates:\n  - file: single.yaml\n";
    fs::write(folder.join("extension.yaml"), manifest).unwrap();
    let template = format!(
        "description: one\n# {}\nspec:\n  product: single\n",
        "x".repeat(400)
    );
    fs::write(folder.join("single.yaml"), template).unwrap();
    let upload = package::build(&folder, &bench.target("single.out"), Limits::default()).unwrap();
    publisher.publish(&upload, false, &Silent).await.unwrap();
}

/// Reads everything of both packages.
async fn reads(bench: &Bench, maven: &Maven) {
    assert_eq!(maven.versions("tool").await.unwrap(), [version("1.2.0")]);
    let release = maven.release("tool", &version("1.2.0")).await.unwrap();
    assert_eq!(maven.document(&release).await.unwrap(), None);
    let signatures = maven.signatures(&release).await.unwrap();
    assert_eq!(signatures, [signature("one")]);
    assert_eq!(maven.index().await.unwrap(), None);
    for (name, text) in [("tool", "1.2.0"), ("single", "1.0.0")] {
        let release = maven.release(name, &version(text)).await.unwrap();
        let digest = fetched(maven, &release, &bench.target(&format!("{name}.came"))).await;
        assert_eq!(release.content.digest, Some(digest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_from_server_that_forbids_missing_files() {
    let bench = Bench::new();
    let (_server, maven, root) = started(&bench, Habit::Forbidden).await;
    published(&bench, &root).await;
    reads(&bench, &maven).await;
    // Whether a version is missing or access is denied cannot be known: it is an error that explains both.
    for error in [
        maven.release("tool", &version("9.0.0")).await.unwrap_err(),
        maven.versions("absent").await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        let text = error.explained();
        assert!(
            text.contains("Amazon S3") && text.contains("s3:ListBucket"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_from_server_that_sends_pages_for_missing_files() {
    let bench = Bench::new();
    let (_server, maven, root) = started(&bench, Habit::Page).await;
    published(&bench, &root).await;
    reads(&bench, &maven).await;
    for error in [
        maven.release("tool", &version("9.0.0")).await.unwrap_err(),
        maven.versions("absent").await.unwrap_err(),
    ] {
        let text = error.explained();
        assert!(
            text.contains("the server responded with an HTML page"),
            "{text}"
        );
        assert!(
            text.contains("hint: check the URL of the repository"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_from_server_that_compresses_unasked() {
    for habit in [Habit::Compressed, Habit::Labelled] {
        let bench = Bench::new();
        let (server, maven, root) = started(&bench, habit).await;
        published(&bench, &root).await;
        reads(&bench, &maven).await;
        let asks = |asked: &RecordedRequest| asked.header("accept-encoding").is_some();
        assert!(!server.asked().iter().any(asks));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_encoding_that_was_not_requested() {
    let bench = Bench::new();
    let (_server, maven, root) = started(&bench, Habit::Brotli).await;
    published(&bench, &root).await;
    let text = maven.versions("tool").await.unwrap_err().explained();
    assert!(
        text.contains("Content-Encoding `br`, which was not requested")
            && text.contains("send files unchanged"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn blames_nobody_for_form_of_checksums() {
    let bench = Bench::new();
    let (_server, maven, root) = started(&bench, Habit::Forbidden).await;
    published(&bench, &root).await;
    let folder = packages(&root).join("tool/1.2.0");
    let content = "tool-1.2.0.tar.gz";
    let hex = fs::read_to_string(folder.join(format!("{content}.sha256"))).unwrap();
    let beside = folder.join(format!("{content}.sha256"));
    for text in [
        format!("SHA256({content})= {hex}\n"),
        format!("SHA256 ({content}) = {hex}\n"),
    ] {
        fs::write(&beside, text).unwrap();
        reads(&bench, &maven).await;
    }
    fs::write(&beside, "see the release notes\n").unwrap();
    let release = maven.release("tool", &version("1.2.0")).await;
    let text = release.unwrap_err().explained();
    assert!(text.contains("got `see`"), "{text}");
    assert!(!text.contains("changed"), "{text}");
    // A checksum that does not match is a change.
    fs::write(&beside, "0".repeat(64)).unwrap();
    let release = maven.release("tool", &version("1.2.0")).await.unwrap();
    let target = bench.target("other");
    let mut file = PartialDownload::open(&target, 1 << 30, &Silent).unwrap();
    let error = maven.fetch(&release, &mut file).await.unwrap_err();
    assert!(
        error.explained().contains("find out what changed it"),
        "{error}"
    );
}
