//! Tests of interoperability with Maven.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "../../crates/package-repository/tests/file_server/mod.rs"]
mod file_server;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tokio::sync::Mutex;

use contract::{Bench, fetched, version};
use extension_registry_e2e::skip_part;
use extension_registry_packages::Digest;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::manifest::Packaging;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::maven::{Maven, Place, Settings};
use extension_registry_packages::repository::{Description, Error, Repository};
use extension_registry_packages::transport::{self, Transport};
use file_server::FileServer;

const GROUP: &str = "io.fuseml.extensions";
const MAVEN: &str = "/usr/bin/mvn";

/// Lock for Maven, which caches the state of a repository in its local repository, by id and without locks.
static MAVEN_LOCK: Mutex<()> = Mutex::const_new(());

fn repository(place: Place, names: &[&str]) -> Maven {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let transport = Transport::new(transport::Settings::default()).unwrap();
    let settings = Settings {
        id: "central".to_owned(),
        place,
        group: GROUP.to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    Maven::new(settings, Some(transport), Credentials::Anonymous).unwrap()
}

/// Deploys a file with Maven in a folder without a project; an error if Maven cannot run here.
async fn deploy(folder: &Path, url: &str, version: &str) -> Result<(), String> {
    let file = folder.join("content.nar");
    fs::write(&file, format!("content of {version}")).unwrap();
    let what = [
        &format!("-Dfile={}", file.display()),
        &format!("-DgroupId={GROUP}"),
        "-DartifactId=camel",
        &format!("-Dversion={version}"),
        "-Dpackaging=nar",
        "-DgeneratePom=true",
    ];
    run(folder, url, &what).await
}

async fn run(folder: &Path, url: &str, what: &[&str]) -> Result<(), String> {
    if !Path::new(MAVEN).exists() {
        return Err(format!("there is no {MAVEN}"));
    }
    let _alone = MAVEN_LOCK.lock().await;
    let local = concat!(env!("CARGO_TARGET_TMPDIR"), "/maven");
    let id = folder.file_name().unwrap().to_str().unwrap();
    let mut command = Command::new(MAVEN);
    command
        .current_dir(folder)
        .args(["--batch-mode", "deploy:deploy-file"])
        .arg(format!("-Dmaven.repo.local={local}"))
        .arg(format!("-DrepositoryId={}", id.trim_start_matches('.')))
        .arg(format!("-Durl={url}"))
        .args(what);
    let running = tokio::task::spawn_blocking(move || command.output());
    let Output { status, stdout, .. } = running.await.unwrap().unwrap();
    let output_text = String::from_utf8_lossy(&stdout);
    if status.success() {
        return Ok(());
    }
    // The plugin may have to be downloaded from Maven Central.
    if output_text.contains("PluginResolutionException")
        || output_text.contains("No plugin found for prefix")
    {
        return Err("Maven cannot get its deploy plugin".to_owned());
    }
    panic!("mvn deploy:deploy-file failed:\n{output_text}");
}

/// Deploys three versions; the highest one is not the last.
async fn deploy_all(test: &str, folder: &Path, url: &str) -> bool {
    for version in ["1.0.0", "1.10.0", "1.9.0"] {
        if let Err(why) = deploy(folder, url, version).await {
            skip_part(test, &why);
            return false;
        }
    }
    true
}

/// Asserts that a deployment of Maven is complete and described by its POM.
async fn assert_readable(maven: &Maven, bench: &Bench, target: &str) {
    assert_eq!(maven.names(None).await.unwrap().names, ["camel"]);
    let mut versions = maven.versions("camel").await.unwrap();
    versions.sort();
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1.0.0", "1.9.0", "1.10.0"]);
    let release = maven.release("camel", &version("1.10.0")).await.unwrap();
    let Description::Foreign(manifest) = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(manifest.packaging, Packaging::Unsupported("nar".to_owned()));
    assert_eq!(release.content.digest, None, "Maven writes no SHA-256");
    let target = bench.target(target);
    fetched(maven, &release, &target).await;
    assert_eq!(fs::read(target).unwrap(), b"content of 1.10.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_maven_deployment_from_folder_and_http() {
    let bench = Bench::new();
    let root = bench.target("repository");
    let url = format!("file://{}", root.display());
    let test = "reads_maven_deployment_from_folder_and_http";
    if !deploy_all(test, bench.path(), &url).await {
        return;
    }
    assert_readable(&repository(Place::Folder(root.clone()), &[]), &bench, "one").await;
    let server = FileServer::start(&root).await;
    let remote = repository(Place::Http(server.url.clone()), &["camel"]);
    assert_readable(&remote, &bench, "two").await;

    // A file that does not match Maven's checksums.
    let content = root.join("io/fuseml/extensions/camel/1.9.0/camel-1.9.0.nar");
    fs::write(content, "something else").unwrap();
    for maven in [&repository(Place::Folder(root), &[]), &remote] {
        let release = maven.release("camel", &version("1.9.0")).await.unwrap();
        let target = bench.target("broken");
        let download_file = extension_registry_packages::repository::PartialDownload::open(
            &target,
            1 << 20,
            &Silent,
        );
        let error = maven
            .fetch(&release, &mut download_file.unwrap())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        fs::remove_file(target).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_maven_deployment_over_http() {
    let bench = Bench::new();
    let server = FileServer::start(&bench.target("repository")).await;
    let test = "reads_maven_deployment_over_http";
    if !deploy_all(test, bench.path(), server.url.as_str()).await {
        return;
    }
    let remote = repository(Place::Http(server.url.clone()), &["camel"]);
    assert_readable(&remote, &bench, "came").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maven_extends_published_version_list() {
    let bench = Bench::new();
    let root = bench.target("repository");
    let maven = repository(Place::Folder(root.clone()), &[]);
    let upload = bench.package("camel", "2.0.0", "ours");
    maven.publish(&upload, false, &Silent).await.unwrap();
    let url = format!("file://{}", root.display());
    let test = "maven_continues_our_version_list";
    if !deploy_all(test, bench.path(), &url).await {
        return;
    }
    let list = root.join("io/fuseml/extensions/camel/maven-metadata.xml");
    let listed = fs::read_to_string(list).unwrap();
    for version in ["1.0.0", "1.10.0", "1.9.0", "2.0.0"] {
        let line = format!("<version>{version}</version>");
        assert!(listed.contains(&line), "{line} in {listed}");
    }
    assert_eq!(maven.versions("camel").await.unwrap().len(), 4);
    let upload = bench.package("camel", "2.1.0", "ours again");
    maven.publish(&upload, false, &Silent).await.unwrap();
    let release = maven.release("camel", &version("2.1.0")).await.unwrap();
    assert_eq!(release.content.digest, Some(upload.digest));
    assert_eq!(maven.versions("camel").await.unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn maven_resolves_published_pom() {
    let bench = Bench::new();
    let root = bench.target("repository");
    let maven = repository(Place::Folder(root.clone()), &[]);
    let more = "dependencies:\n  - name: base\n    version: ^1.2.0 || >3\n";
    let upload = bench.package_with("tool", "1.2.0+build.7", "a <tool> & more", more);
    maven.publish(&upload, false, &Silent).await.unwrap();
    let stem = "io/fuseml/extensions/tool/1.2.0+build.7/tool-1.2.0+build.7";
    let pom = root.join(format!("{stem}.pom"));
    let other = bench.target("other");
    let url = format!("file://{}", other.display());
    // Group, name, version and packaging come from the POM.
    let what = [
        &format!("-Dfile={}", upload.content.display()),
        &format!("-DpomFile={}", pom.display()),
    ];
    let what = what.map(String::as_str);
    if let Err(why) = run(bench.path(), &url, &what).await {
        skip_part("maven_resolves_our_pom", &why);
        return;
    }
    let deployed = fs::read(other.join(format!("{stem}.tar.gz"))).unwrap();
    assert_eq!(Digest::of(&deployed), upload.digest);
    let described = repository(Place::Folder(other), &[]);
    let release = described.release("tool", &upload.version).await.unwrap();
    let Description::Foreign(manifest) = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(manifest.packaging, Packaging::Bundle);
    assert_eq!(manifest.description, "a <tool> & more");
    assert_eq!(manifest.metadata.license.as_deref(), Some("MIT"));
    let range = manifest.dependencies[0].range.to_string();
    assert_eq!(range, ">=1.2.0, <2.0.0 || >3.0.0");
}

#[tokio::test]
async fn checksum_tools_verify_published_files() {
    let bench = Bench::new();
    let root = bench.target("repository");
    let maven = repository(Place::Folder(root.clone()), &[]);
    let upload = bench.package("tool", "1.2.0", "a tool");
    maven.publish(&upload, false, &Silent).await.unwrap();
    let folder = root.join("io/fuseml/extensions/tool/1.2.0");
    for (ending, tool) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
    ] {
        let mut lines = String::new();
        for file in ["tool-1.2.0.tar.gz", "tool-1.2.0.pom", "tool-1.2.0-docs.md"] {
            let digits = fs::read_to_string(folder.join(format!("{file}.{ending}"))).unwrap();
            lines.extend([digits.as_str(), "  ", file, "\n"]);
        }
        let list = bench.target("list");
        fs::write(&list, lines).unwrap();
        let checked = Command::new(tool)
            .args(["-c", "--strict"])
            .arg(&list)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{tool}: {checked:?}");
    }
}
