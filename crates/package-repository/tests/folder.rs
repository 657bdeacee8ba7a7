//! Repositories in folders: what every repository keeps, and what is theirs alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod folders;
mod shelf;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use contract::{Bench, fetched, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::Digest;
use extension_registry_package_format::manifest::Packaging;
use extension_registry_package_format::package;
use extension_registry_package_repository::folder::Folder;
use extension_registry_package_repository::{
    Description, DiscoveryMethod, Error, IndexFile, PartialDownload, Release, Repository,
};
use extension_registry_package_transport::progress::Silent;
use extension_registry_package_trust::signature::{Format, Signature};
use folders::{at, folder, signature};
use shelf::{OF_MAVEN, OURS, put};

async fn fetch_error(folder: &Folder, release: &Release, target: &Path) -> Error {
    let mut download_file = PartialDownload::open(target, 1 << 30, &Silent).unwrap();
    folder.fetch(release, &mut download_file).await.unwrap_err()
}

#[tokio::test]
async fn folder_satisfies_contract() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    fs::create_dir(root).unwrap();
    contract::all(&folder).await;
}

#[tokio::test]
async fn new_client_finds_published_package() {
    let bench = Bench::new();
    let upload = bench.package("tool", "1.2.0", "a tool");
    let (publisher, root) = folder(&bench);
    publisher.publish(&upload, false, &Silent).await.unwrap();
    let client = at(&root);
    let release = client.release("tool", &version("1.2.0")).await.unwrap();
    let digest = fetched(&client, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest);
}

#[tokio::test]
async fn reads_document_without_content() {
    let bench = Bench::new();
    let upload = bench.package("tool", "1.2.0", "a tool");
    let (folder, root) = folder(&bench);
    folder.publish(&upload, false, &Silent).await.unwrap();
    // Whoever read the content now would find that its checksums are wrong.
    fs::write(root.join("tool/1.2.0/tool-1.2.0.tar.gz"), "spoiled").unwrap();
    let release = folder.release("tool", &version("1.2.0")).await.unwrap();
    let document = folder.document(&release).await.unwrap().unwrap();
    assert_eq!(document, upload.document.unwrap().bytes);
    let error = fetch_error(&folder, &release, &bench.target("came")).await;
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}

#[tokio::test]
async fn lists_thousand_packages_without_reading_files() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    // Links to nowhere have names like files, and nobody can read them.
    for number in 0..1000 {
        let name = format!("p{number:03}");
        let path = root.join(&name).join("1.0.0");
        fs::create_dir_all(&path).unwrap();
        for ending in ["json", "pom", "tar.gz", "tar.gz.sha256"] {
            symlink("nowhere", path.join(format!("{name}-1.0.0.{ending}"))).unwrap();
        }
    }
    let names = folder.names(None).await.unwrap();
    assert_eq!(names.names.len(), 1000);
    assert_eq!(names.faults, []);
    assert_eq!(names.method, DiscoveryMethod::Catalog);
    let versions = folder.versions("p500").await.unwrap();
    assert_eq!(versions, [version("1.0.0")]);
    let error = folder.release("p500", &version("1.0.0")).await;
    assert!(error.is_err(), "a release is read from files");
}

#[tokio::test]
async fn delivers_single_template() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let text = b"description: somebody's template\nspec:\n  product: tool\n";
    let path = root.join("plain/1.0.0");
    put(&path, "plain-1.0.0.yaml", text, OURS);
    let names = folder.names(None).await.unwrap();
    assert_eq!(
        (names.names, names.faults),
        (vec!["plain".to_owned()], vec![])
    );
    let release = folder.release("plain", &version("1.0.0")).await.unwrap();
    let Description::Foreign(manifest) = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(manifest.name, "plain");
    assert_eq!(manifest.packaging, Packaging::Template);
    assert_eq!(release.content.digest, Some(Digest::of(text)));
    let came = bench.target("came");
    fetched(&folder, &release, &came).await;
    assert_eq!(fs::read(came).unwrap(), text);
}

#[tokio::test]
async fn reads_foreign_packaging_from_pom() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let path = root.join("camel/1.1.0");
    let pom = shelf::pom("org.other", "camel", "1.1.0", "nar");
    put(&path, "camel-1.1.0.pom", pom.as_bytes(), OF_MAVEN);
    put(&path, "camel-1.1.0.nar", b"PK\x03\x04", OF_MAVEN);
    let release = folder.release("camel", &version("1.1.0")).await.unwrap();
    let Description::Foreign(manifest) = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(manifest.packaging, Packaging::Unsupported("nar".to_owned()));
    assert_eq!(manifest.dependencies[0].name, "base");
    assert_eq!(manifest.dependencies[0].range.to_string(), ">=1.0, <2.0");
    let came = bench.target("came");
    fetched(&folder, &release, &came).await;
    assert_eq!(fs::read(came).unwrap(), b"PK\x03\x04");
}

#[tokio::test]
async fn corrupt_package_hides_no_other() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("good", "1.0.0", "good");
    folder.publish(&upload, false, &Silent).await.unwrap();
    put(&root.join("bare/1.0.0"), "bare-1.0.0.yaml", b"a: 1\n", &[]);
    put(&root.join("void/1.0.0"), "notes.txt", b"no content", OURS);
    put(
        &root.join("strange/new"),
        "strange-new.yaml",
        b"a: 1\n",
        OURS,
    );
    put(&root.join("two words/1.0.0"), "a-1.0.0.yaml", b"a", OURS);
    put(&root.join(".hidden/1.0.0"), "a-1.0.0.yaml", b"a", OURS);
    fs::create_dir_all(root.join(".staging-left/version")).unwrap();
    let names = folder.names(None).await.unwrap();
    assert_eq!(names.names, ["bare", "good"]);
    let told = names
        .faults
        .iter()
        .map(Explain::explained)
        .collect::<Vec<_>>()
        .join("\n");
    for part in ["bare-1.0.0.yaml", "1.0.0 of void", "strange", "two words"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(names.faults.len(), 4, "{told}");
    let release = folder.release("good", &version("1.0.0")).await.unwrap();
    fetched(&folder, &release, &bench.target("came")).await;
}

#[tokio::test]
async fn delivers_arbitrary_blob() {
    let bench = Bench::new();
    let (folder, _) = folder(&bench);
    let bytes = shelf::noise(7, 300_000);
    let upload = shelf::blob(bench.target("blob"), "noise", "1.0.0", &bytes);
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    let came = bench.target("came");
    fetched(&folder, &release, &came).await;
    assert_eq!(fs::read(came).unwrap(), bytes);
}

/// Lets a tool check a list of checksums, as `sha1sum -c` reads it.
fn tool_agrees(tool: &str, folder: &Path, list: &str) {
    let mut child = Command::new(tool)
        .args(["-c", "--strict", "-"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(list.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{tool}: {told}");
    assert_eq!(told.lines().count(), list.lines().count());
}

#[tokio::test]
async fn checksums_match_standard_tools() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.2.0", "a tool");
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    folder.sign(&release, &signature("one")).await.unwrap();
    let files = shelf::files(&root.join("tool"));
    let is_sum = |name: &String| OURS.iter().any(|sum| name.ends_with(&format!(".{sum}")));
    let plain: BTreeSet<&str> = files
        .keys()
        .filter(|name| !is_sum(name))
        .map(String::as_str)
        .collect();
    let expected = [
        "1.2.0/tool-1.2.0-docs.md",
        "1.2.0/tool-1.2.0.json",
        "1.2.0/tool-1.2.0.pom",
        "1.2.0/tool-1.2.0.statement.json",
        "1.2.0/tool-1.2.0.statement.json.1.minisig",
        "1.2.0/tool-1.2.0.tar.gz",
        "maven-metadata.xml",
    ];
    assert_eq!(plain, BTreeSet::from(expected));
    for (ending, tool) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
    ] {
        let mut list = String::new();
        for name in &plain {
            let digits = &files[&format!("{name}.{ending}")];
            let digits = String::from_utf8(digits.clone()).unwrap();
            list.extend([&digits, "  ", name, "\n"]);
        }
        tool_agrees(tool, &root.join("tool"), &list);
    }
}

#[tokio::test]
async fn document_has_checksums_and_content_digest() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.2.0", "a tool");
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    let document = folder.document(&release).await.unwrap().unwrap();
    assert_eq!(package::described(&document), Some(upload.digest));
    let path = root.join("tool/1.2.0");
    let other = b"<!-- content-sha256: of another -->\n";
    fs::write(path.join("tool-1.2.0-docs.md"), other).unwrap();
    let error = folder.document(&release).await.unwrap_err().to_string();
    assert!(error.contains("tool-1.2.0-docs.md"), "{error}");
    for ending in ["", ".md5", ".sha1", ".sha256"] {
        fs::remove_file(path.join(format!("tool-1.2.0-docs.md{ending}"))).unwrap();
    }
    let release = folder.release("tool", &version("1.2.0")).await.unwrap();
    assert_eq!(folder.document(&release).await.unwrap(), None);
}

#[tokio::test]
async fn wrong_checksum_error_names_file_and_values() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.2.0", "a tool");
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    let path = root.join("tool/1.2.0");
    for (file, ending, digits) in [
        ("tool-1.2.0.tar.gz", "md5", 32),
        ("tool-1.2.0.tar.gz", "sha1", 40),
        ("tool-1.2.0.tar.gz", "sha256", 64),
        ("tool-1.2.0.json", "sha1", 40),
        ("tool-1.2.0-docs.md", "md5", 32),
    ] {
        let beside = path.join(format!("{file}.{ending}"));
        let right = fs::read_to_string(&beside).unwrap();
        let wrong = "0".repeat(digits);
        fs::write(&beside, &wrong).unwrap();
        let error = if file.ends_with("gz") {
            fetch_error(&folder, &release, &bench.target("came")).await
        } else if file.ends_with("json") {
            let read = folder.release("tool", &version("1.2.0")).await;
            read.unwrap_err()
        } else {
            folder.document(&release).await.unwrap_err()
        };
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        let told = error.to_string();
        for part in [&format!("{file}.{ending}"), &wrong, &right] {
            assert!(told.contains(part.as_str()), "{part} in {told}");
        }
        fs::write(&beside, right).unwrap();
    }
    fetched(&folder, &release, &bench.target("whole")).await;
}

#[tokio::test]
async fn rejects_file_without_checksums() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let upload = bench.package("tool", "1.2.0", "a tool");
    for file in ["tool-1.2.0.tar.gz", "tool-1.2.0.json", "tool-1.2.0-docs.md"] {
        folder.publish(&upload, true, &Silent).await.unwrap();
        for ending in OURS {
            let beside = root.join(format!("tool/1.2.0/{file}.{ending}"));
            fs::remove_file(beside).unwrap();
        }
        let error = folder.release("tool", &version("1.2.0")).await.unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, Error::Broken { .. }), "{told}");
        assert!(
            told.contains(file) && told.contains("no checksum"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn weak_checksums_detect_damage_only() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let path = root.join("old/1.0.0");
    put(&path, "old-1.0.0.yaml", b"a: 1\n", OF_MAVEN);
    // The form of `sha1sum`, which some old files have.
    let sum = fs::read_to_string(path.join("old-1.0.0.yaml.sha1")).unwrap();
    let line = format!("{}  old-1.0.0.yaml\n", sum.to_uppercase());
    fs::write(path.join("old-1.0.0.yaml.sha1"), line).unwrap();
    let release = folder.release("old", &version("1.0.0")).await.unwrap();
    assert_eq!(
        release.content.digest, None,
        "SHA-1 does not identify content"
    );
    fetched(&folder, &release, &bench.target("came")).await;
    fs::write(path.join("old-1.0.0.yaml"), "a: 2\n").unwrap();
    let error = fetch_error(&folder, &release, &bench.target("again")).await;
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}

#[tokio::test]
async fn links_cannot_leave_root() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let outside = bench.target("outside");
    put(&outside.join("1.0.0"), "away-1.0.0.yaml", b"secret", OURS);
    put(&outside, "tool-1.0.0.yaml", b"secret", OURS);
    let upload = bench.package("good", "1.0.0", "good");
    folder.publish(&upload, false, &Silent).await.unwrap();
    symlink(&outside, root.join("away")).unwrap();
    let inside = root.join("tool/1.0.0");
    put(&inside, "tool-1.0.0.yaml", b"public", OURS);
    fs::remove_file(inside.join("tool-1.0.0.yaml")).unwrap();
    symlink(
        outside.join("tool-1.0.0.yaml"),
        inside.join("tool-1.0.0.yaml"),
    )
    .unwrap();
    let before = shelf::files(&outside);

    let names = folder.names(None).await.unwrap();
    assert!(!names.names.contains(&"away".to_owned()), "{names:?}");
    assert!(
        names
            .faults
            .iter()
            .any(|fault| fault.message.contains("away"))
    );
    for name in ["away", "tool"] {
        let outcome = folder.release(name, &version("1.0.0")).await;
        let refused = match outcome {
            Ok(release) => fetch_error(&folder, &release, &bench.target("came")).await,
            Err(error) => error,
        };
        assert!(matches!(refused, Error::Broken { .. }), "{name}: {refused}");
        assert!(refused.to_string().contains("points outside"), "{refused}");
    }
    let upload = bench.package("away", "2.0.0", "through a link");
    for force in [false, true] {
        let outcome = folder.publish(&upload, force, &Silent).await;
        assert!(outcome.is_err());
    }
    assert!(folder.delete("away", &version("1.0.0")).await.is_err());
    assert_eq!(shelf::files(&outside), before);
    // A link that stays inside is a file as any other.
    symlink(root.join("good"), root.join("alias")).unwrap();
    assert_eq!(folder.versions("good").await.unwrap().len(), 1);
}

#[tokio::test]
async fn rejects_names_that_are_not_path_segments() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    put(&bench.target("up/1.0.0"), "up-1.0.0.yaml", b"a", OURS);
    fs::create_dir(&root).unwrap();
    for name in ["../up", "..", "", ".hidden", "a/b", "/etc"] {
        let release = folder.release(name, &version("1.0.0")).await;
        assert!(matches!(release, Err(Error::NotFound { .. })), "{name}");
        assert_eq!(folder.versions(name).await.unwrap(), Vec::new());
        let deleted = folder.delete(name, &version("1.0.0")).await;
        assert!(matches!(deleted, Err(Error::NotFound { .. })), "{name}");
        let mut upload = shelf::blob(bench.target("blob"), "tool", "1.0.0", b"a");
        upload.name = name.to_owned();
        let published = folder.publish(&upload, true, &Silent).await;
        let refused = matches!(published, Err(Error::Unsupported { .. }));
        assert!(refused, "{name}");
    }
    assert_eq!(shelf::files(&root).len(), 0);
}

#[tokio::test]
async fn resumes_download_or_restarts_on_mismatch() {
    let bench = Bench::new();
    let (folder, _) = folder(&bench);
    let bytes = shelf::noise(3, 700_000);
    let upload = shelf::blob(bench.target("blob"), "noise", "1.0.0", &bytes);
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    let cut = bench.target("cut");
    fs::write(&cut, &bytes[..500_000]).unwrap();
    assert_eq!(fetched(&folder, &release, &cut).await, upload.digest);
    for other in [vec![0; 1000], vec![0; 900_000]] {
        let path = bench.target("other");
        fs::write(&path, other).unwrap();
        assert_eq!(fetched(&folder, &release, &path).await, upload.digest);
    }
}

#[tokio::test]
async fn names_missing_folder() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let error = folder.names(None).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(
        error.to_string().contains(root.to_str().unwrap()),
        "{error}"
    );
    assert!(folder.probe().await.is_err());
}

#[tokio::test]
async fn rejects_signature_of_another_statement() {
    let bench = Bench::new();
    let (folder, _) = folder(&bench);
    let upload = bench.package("tool", "1.0.0", "a tool");
    let release = folder.publish(&upload, false, &Silent).await.unwrap();
    folder.sign(&release, &signature("one")).await.unwrap();
    let other = Signature {
        payload: b"another statement".to_vec(),
        ..signature("two")
    };
    let error = folder.sign(&release, &other).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    let cosign = Signature {
        format: Format::CosignSimple,
        ..signature("three")
    };
    let error = folder.sign(&release, &cosign).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert_eq!(folder.signatures(&release).await.unwrap().len(), 1);
}

#[tokio::test]
async fn rejects_index_with_wrong_checksum() {
    let bench = Bench::new();
    let (folder, root) = folder(&bench);
    let index = IndexFile {
        bytes: b"{}".to_vec(),
        signatures: Vec::new(),
    };
    folder.put_index(&index).await.unwrap();
    fs::write(root.join("index.json"), "{ }").unwrap();
    let error = folder.index().await.unwrap_err();
    assert!(error.to_string().contains("index.json.md5"), "{error}");
}
