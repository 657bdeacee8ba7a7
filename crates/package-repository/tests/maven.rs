//! Maven repositories, in a folder and behind a server of files.
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
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_format::Digest;
use extension_registry_package_format::manifest::Packaging;
use extension_registry_package_repository::folder::{self, Folder};
use extension_registry_package_repository::maven::{Maven, Place, Settings};
use extension_registry_package_repository::{
    Description, DiscoveryMethod, Error, Kind, PartialDownload, Release, Repository,
};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Silent;
use file_server::FileServer;
use mavens::{GROUP, local, made_by_maven, packages, remote, remote_of, transport, with};
use shelf::{OURS, put};

#[tokio::test]
async fn maven_folder_satisfies_contract() {
    let bench = Bench::new();
    let root = bench.target("repository");
    fs::create_dir(&root).unwrap();
    contract::all(&local(&root)).await;
}

#[tokio::test]
async fn maven_server_satisfies_contract() {
    let bench = Bench::new();
    let server = FileServer::start(&bench.target("repository")).await;
    contract::all(&remote_of(&server, &["tool", "other.tool_2", "fixed"])).await;
    // What is in a path as it is would be a blank for many servers.
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("1.0.1%2Bbuild.7")));
    assert!(!log.iter().any(|line| line.contains('+')));
}

async fn fetch_error(maven: &Maven, release: &Release, target: &Path) -> Error {
    let mut download_file = PartialDownload::open(target, 1 << 30, &Silent).unwrap();
    maven.fetch(release, &mut download_file).await.unwrap_err()
}

#[tokio::test]
async fn new_client_finds_package_on_server() {
    let bench = Bench::new();
    let (publisher, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.2.0", "a tool");
    publisher.publish(&upload, false, &Silent).await.unwrap();
    let client = remote_of(&server, &["tool", "absent"]);
    let names = client.names(None).await.unwrap();
    assert_eq!(
        (names.names, names.method),
        (vec!["tool".to_owned()], DiscoveryMethod::Named)
    );
    let release = client.release("tool", &version("1.2.0")).await.unwrap();
    let digest = fetched(&client, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest);
}

#[tokio::test]
async fn ignores_latest_and_release_fields() {
    let bench = Bench::new();
    made_by_maven(&bench.target("repository"));
    let (maven, _server) = remote(&bench, &[]).await;
    let mut versions = maven.versions("camel").await.unwrap();
    versions.sort();
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1.0.0", "1.9.0", "1.10.0"]);
    let local = local(&bench.target("repository"));
    let mut in_folder = local.versions("camel").await.unwrap();
    in_folder.sort();
    assert_eq!(in_folder, versions);
}

#[tokio::test]
async fn reads_document_without_requesting_content() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.2.0", "a tool");
    maven.publish(&upload, false, &Silent).await.unwrap();
    server.log();
    let release = maven.release("tool", &version("1.2.0")).await.unwrap();
    let mut log = server.log();
    assert_eq!(log.len(), 8, "{log:?}");
    let document = maven.document(&release).await.unwrap().unwrap();
    assert_eq!(document, upload.document.unwrap().bytes);
    log.extend(server.log());
    assert_eq!(log.len(), 10, "{log:?}");
    let is_content = |line: &&String| line.starts_with("GET") && line.ends_with(".tar.gz");
    assert_eq!(log.iter().find(is_content), None, "{log:?}");
}

#[tokio::test]
async fn named_packages_take_two_requests_each() {
    let bench = Bench::new();
    let names = ["a", "b", "c", "d"];
    let (maven, server) = remote(&bench, &names).await;
    for name in names {
        let upload = bench.package(name, "1.0.0", "a tool");
        maven.publish(&upload, false, &Silent).await.unwrap();
    }
    server.log();
    assert_eq!(maven.names(None).await.unwrap().names, names);
    let log = server.log();
    assert_eq!(log.len(), 2 * names.len(), "{log:?}");
    assert!(log.iter().all(|line| line.contains("maven-metadata.xml")));
}

#[tokio::test]
async fn listing_on_server_fails_with_hint() {
    let bench = Bench::new();
    let (maven, _server) = remote(&bench, &[]).await;
    let error = maven.names(None).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let told = error.explained();
    assert!(told.contains("`names`") && told.contains("index"), "{told}");
    assert!(!maven.probe().await.unwrap().list);
}

#[tokio::test]
async fn delivers_foreign_packages_unchanged() {
    let bench = Bench::new();
    let root = bench.target("repository");
    made_by_maven(&root);
    let (remote, _server) = remote(&bench, &["camel"]).await;
    for maven in [remote, local(&root)] {
        assert_eq!(maven.names(None).await.unwrap().names, ["camel"]);
        let release = maven.release("camel", &version("1.10.0")).await.unwrap();
        let Description::Foreign(manifest) = &release.description else {
            panic!("{release:?}");
        };
        assert_eq!(manifest.packaging, Packaging::Unsupported("nar".to_owned()));
        assert_eq!(manifest.description, "made elsewhere");
        assert_eq!(manifest.metadata.license.as_deref(), Some("Apache-2.0"));
        assert_eq!(manifest.dependencies[0].range.to_string(), ">=1.0, <2.0");
        assert_eq!(
            release.content.digest, None,
            "SHA-1 does not identify content"
        );
        let came = bench.target(&format!("came-{}", maven.place().len()));
        fetched(&maven, &release, &came).await;
        assert_eq!(fs::read(came).unwrap(), b"content of 1.10.0");
    }
}

#[tokio::test]
async fn corrupt_package_on_server_hides_no_other() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &["bad", "good", "page"]).await;
    let upload = bench.package("good", "1.0.0", "good");
    maven.publish(&upload, false, &Silent).await.unwrap();
    let packages = packages(&server.root);
    put(
        &packages.join("bad"),
        "maven-metadata.xml",
        b"<metadata/>",
        &[],
    );
    put(
        &packages.join("page"),
        "maven-metadata.xml",
        b"<html>sign in</html>",
        OURS,
    );
    let names = maven.names(None).await.unwrap();
    assert_eq!(names.names, ["good"]);
    let told = names
        .faults
        .iter()
        .map(Explain::explained)
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        told.contains("of bad") && told.contains("of page"),
        "{told}"
    );
    assert_eq!(names.faults.len(), 2);
}

#[tokio::test]
async fn delivers_arbitrary_blob() {
    let bench = Bench::new();
    let (maven, _server) = remote(&bench, &[]).await;
    let bytes = shelf::noise(9, 300_000);
    let upload = shelf::blob(bench.target("blob"), "noise", "1.0.0", &bytes);
    let release = maven.publish(&upload, false, &Silent).await.unwrap();
    let came = bench.target("came");
    fetched(&maven, &release, &came).await;
    assert_eq!(fs::read(came).unwrap(), bytes);
}

#[tokio::test]
async fn all_kinds_deliver_same_metadata_and_bytes() {
    let bench = Bench::new();
    let server = FileServer::start(&bench.target("served")).await;
    let plain = Folder::new(folder::Settings {
        id: "shelf".to_owned(),
        root: bench.target("plain"),
    });
    let kinds: [Box<dyn Repository>; 3] = [
        Box::new(plain),
        Box::new(local(&bench.target("maven"))),
        Box::new(remote_of(&server, &["tool"])),
    ];
    let more = "dependencies:\n  - name: base\n    version: ^1.2.0\n";
    let upload = bench.package_with("tool", "1.2.0+build.7", "a tool", more);
    for kind in kinds {
        let release = kind.publish(&upload, false, &Silent).await.unwrap();
        let Description::Configuration { bytes, digest } = &release.description else {
            panic!("{release:?}");
        };
        assert_eq!(*bytes, upload.configuration, "{}", kind.place());
        assert_eq!(*digest, Digest::of(&upload.configuration));
        assert_eq!(release.content.digest, Some(upload.digest));
        assert_eq!(release.content.size, Some(upload.size));
        assert_eq!(
            release.content.file.as_deref(),
            Some("tool-1.2.0+build.7.tar.gz")
        );
        assert!(release.document.as_ref().unwrap().digest.is_some());
        assert!(
            release.locator.contains("tool/1.2.0"),
            "{}",
            release.locator
        );
        assert!(release.published.is_some());
        let came = bench.target("came");
        let digest = fetched(kind.as_ref(), &release, &came).await;
        assert_eq!(digest, upload.digest);
        fs::remove_file(came).unwrap();
        assert_eq!(kind.names(None).await.unwrap().names, ["tool"]);
    }
    // The same files, whoever wrote them.
    let of = |root: &str| shelf::files(&packages(&bench.target(root)).join("tool/1.2.0+build.7"));
    assert_eq!(of("maven"), of("served"));
    let pom = String::from_utf8(of("maven")["tool-1.2.0+build.7.pom"].clone()).unwrap();
    for part in [
        "<groupId>io.fuseml.extensions</groupId>",
        "<packaging>tar.gz</packaging>",
        "<version>[1.2.0,2.0.0)</version>",
        "<fuseml.type>record</fuseml.type>",
        "<fuseml.packaging>bundle</fuseml.packaging>",
        "<name>MIT</name>",
        "<url>https://example.com</url>",
        "<name>Somebody</name>",
    ] {
        assert!(pom.contains(part), "{part} in {pom}");
    }
}

#[tokio::test]
async fn publishes_six_files_with_checksums() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.2.0", "a tool");
    maven.publish(&upload, false, &Silent).await.unwrap();
    let folder = packages(&server.root).join("tool/1.2.0");
    let files = shelf::files(&folder);
    for file in [
        "tool-1.2.0.tar.gz",
        "tool-1.2.0.pom",
        "tool-1.2.0.json",
        "tool-1.2.0-docs.md",
    ] {
        let again = bench.target("again");
        put(&again, file, &files[file], OURS);
        for ending in OURS {
            let name = format!("{file}.{ending}");
            assert_eq!(files[&name], fs::read(again.join(&name)).unwrap(), "{name}");
        }
    }
    assert_eq!(files.len(), 16, "{:?}", files.keys());
    // The list comes last, in the order of Maven.
    let log = server.log();
    let at = |ending: &str| {
        let is_it = |line: &String| line.starts_with("PUT") && line.ends_with(ending);
        log.iter().position(is_it).unwrap()
    };
    assert!(at("1.2.0.tar.gz") < at("1.2.0.pom"));
    assert!(at("1.2.0.pom") < at("maven-metadata.xml"));
}

#[tokio::test]
async fn document_on_server_has_checksums() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.2.0", "a tool");
    let release = maven.publish(&upload, false, &Silent).await.unwrap();
    let folder = packages(&server.root).join("tool/1.2.0");
    fs::write(folder.join("tool-1.2.0-docs.md"), "of another").unwrap();
    let error = maven.document(&release).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    assert!(error.to_string().contains("tool-1.2.0-docs.md"), "{error}");
}

#[tokio::test]
async fn wrong_checksum_on_server_names_both_values() {
    let bench = Bench::new();
    made_by_maven(&bench.target("repository"));
    let (maven, server) = remote(&bench, &[]).await;
    let folder = packages(&server.root).join("camel/1.9.0");
    let release = maven.release("camel", &version("1.9.0")).await.unwrap();
    for (ending, digits) in [("sha1", 40), ("md5", 32)] {
        let beside = folder.join(format!("camel-1.9.0.nar.{ending}"));
        let right = fs::read_to_string(&beside).unwrap();
        let wrong = "0".repeat(digits);
        fs::write(&beside, &wrong).unwrap();
        let error = fetch_error(&maven, &release, &bench.target("came")).await;
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        let told = error.explained();
        for part in [&format!("camel-1.9.0.nar.{ending}"), &wrong, &right] {
            assert!(told.contains(part.as_str()), "{part} in {told}");
        }
        fs::write(&beside, right).unwrap();
        fs::remove_file(bench.target("came")).unwrap();
    }
    fs::write(folder.join("camel-1.9.0.pom.sha1"), "sign in").unwrap();
    let error = maven.release("camel", &version("1.9.0")).await.unwrap_err();
    assert!(
        error.to_string().contains("camel-1.9.0.pom.sha1"),
        "{error}"
    );
}

#[tokio::test]
async fn rejects_missing_checksums_on_server() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let upload = bench.package("tool", "1.2.0", "a tool");
    for file in [
        "tool-1.2.0.tar.gz",
        "tool-1.2.0.json",
        "tool-1.2.0.pom",
        "tool-1.2.0-docs.md",
    ] {
        maven.publish(&upload, true, &Silent).await.unwrap();
        for ending in OURS {
            let name = format!("tool/1.2.0/{file}.{ending}");
            fs::remove_file(packages(&server.root).join(name)).unwrap();
        }
        let error = maven.release("tool", &version("1.2.0")).await.unwrap_err();
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        let told = error.explained();
        assert!(
            told.contains(file) && told.contains("no checksum"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn resumes_with_range_or_restarts() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let bytes = shelf::noise(3, 700_000);
    let upload = shelf::blob(bench.target("blob"), "noise", "1.0.0", &bytes);
    let release = maven.publish(&upload, false, &Silent).await.unwrap();
    let behaviour = &server.behaviour;
    let settings = [(false, false, 1), (true, false, 1), (false, true, 2)];
    for (no_ranges, bad_ranges, requests) in settings {
        behaviour.no_ranges.store(no_ranges, Ordering::SeqCst);
        behaviour.bad_ranges.store(bad_ranges, Ordering::SeqCst);
        let cut = bench.target("cut");
        fs::write(&cut, &bytes[..500_000]).unwrap();
        server.log();
        assert_eq!(fetched(&maven, &release, &cut).await, upload.digest);
        let log = server.log();
        let contents = log.iter().filter(|line| line.ends_with(".tar.gz"));
        assert_eq!(contents.count(), requests, "{log:?}");
    }
}

#[tokio::test]
async fn resumes_after_disconnect_and_discards_wrong_bytes() {
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    let bytes = shelf::noise(5, 700_000);
    let upload = shelf::blob(bench.target("blob"), "noise", "1.0.0", &bytes);
    let release = maven.publish(&upload, false, &Silent).await.unwrap();
    server.behaviour.cuts.store(2, Ordering::SeqCst);
    let digest = fetched(&maven, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest);
    assert_eq!(server.behaviour.cuts.load(Ordering::SeqCst), 0);
    for other in [vec![0; 1000], vec![0; 900_000]] {
        let path = bench.target("other");
        fs::write(&path, other).unwrap();
        assert_eq!(fetched(&maven, &release, &path).await, upload.digest);
    }
}

#[tokio::test]
async fn credentials_go_to_server_only() {
    let bench = Bench::new();
    let server = FileServer::start(&bench.target("repository")).await;
    // `user:word`, as RFC 7617 writes it.
    *server.behaviour.wants.lock().unwrap() = Some("Basic dXNlcjp3b3Jk".to_owned());
    let of = |word: &str| Credentials::Basic {
        user: "user".to_owned(),
        password: Sensitive::new(word),
    };
    let upload = bench.package("tool", "1.0.0", "a tool");
    let good = with(&server, &[], of("word"));
    good.publish(&upload, false, &Silent).await.unwrap();
    assert!(!format!("{good:?}").contains("dXNlcjp3b3Jk"));
    let wrong = with(&server, &[], of("hunter2"));
    for maven in [wrong, remote_of(&server, &[])] {
        let error = maven.versions("tool").await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        let told = error.explained();
        assert!(
            told.contains("log in") && !told.contains("hunter2"),
            "{told}"
        );
        assert!(maven.probe().await.is_err());
    }
    let settings = Settings {
        id: "central".to_owned(),
        place: Place::Http("http://user:hunter2@127.0.0.1:1/".parse().unwrap()),
        group: GROUP.to_owned(),
        names: Vec::new(),
    };
    let refused = Maven::new(settings, Some(transport()), Credentials::Anonymous);
    let told = refused.unwrap_err().to_string();
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn rejects_groups_and_names_that_are_not_path_segments() {
    for group in ["", "..", "a..b", "a/b", ".a", "a b"] {
        let settings = Settings {
            id: "central".to_owned(),
            place: Place::Folder(PathBuf::from("/nowhere")),
            group: group.to_owned(),
            names: Vec::new(),
        };
        let refused = Maven::new(settings, None, Credentials::Anonymous);
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{group}");
    }
    let bench = Bench::new();
    let (maven, server) = remote(&bench, &[]).await;
    for name in ["..", "a/b", ""] {
        let release = maven.release(name, &version("1.0.0")).await;
        assert!(matches!(release, Err(Error::NotFound { .. })), "{name}");
        assert_eq!(maven.versions(name).await.unwrap(), Vec::new());
    }
    assert_eq!(server.log(), Vec::<String>::new(), "nothing was asked");
}

#[tokio::test]
async fn ignores_other_groups() {
    let bench = Bench::new();
    let root = bench.target("repository");
    made_by_maven(&root);
    let deeper = packages(&root).join("more/other/1.0.0");
    put(&deeper, "other-1.0.0.yaml", b"a: 1\n", OURS);
    let names = local(&root).names(None).await.unwrap();
    assert_eq!(names.names, ["camel"]);
    assert_eq!(names.faults, []);
    assert_eq!(local(&root).kind(), Kind::Maven);
}
