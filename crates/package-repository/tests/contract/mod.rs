//! What every kind of repository has to keep. Each test of a driver calls it with a repository that is empty.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every test of a driver needs all of it"
)]

use std::fs;
use std::path::{Path, PathBuf};

use extension_registry_package_format::Digest;
use extension_registry_package_format::bundle::Limits;
use extension_registry_package_format::package;
use extension_registry_package_repository::{
    Description, Error, IndexFile, PartialDownload, Release, Repository, Upload,
};
use extension_registry_package_transport::progress::Silent;
use extension_registry_package_trust::signature::{Format, Signature};

/// A folder for packages and what comes back.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A package with a template and a document. Its content depends on what is said of it.
    pub(crate) fn package(&self, name: &str, version: &str, description: &str) -> Upload {
        self.package_with(name, version, description, "")
    }

    /// The same with more lines in the manifest.
    pub(crate) fn package_with(
        &self,
        name: &str,
        version: &str,
        description: &str,
        more: &str,
    ) -> Upload {
        let folder = self.path().join(format!("{name}-{version}-{description}"));
        fs::create_dir_all(folder.join("templates")).unwrap();
        let manifest = format!(
            "extension:\n  name: {name}\n  version: {version}\n  description: {description}\n\
             \x20 author: Somebody\nmetadata:\n  license: MIT\n  homepage: https://example.com\n{more}"
        );
        fs::write(folder.join("extension.yaml"), manifest).unwrap();
        fs::write(
            folder.join("README.md"),
            format!("# {name}\n\n{description}\n"),
        )
        .unwrap();
        let template = format!("description: {description}\nspec:\n  product: {name}\n");
        fs::write(folder.join("templates/main.yaml"), template).unwrap();
        let target = self
            .path()
            .join(format!("{name}-{version}-{description}.tar.gz"));
        package::build(&folder, &target, Limits::default()).unwrap()
    }

    /// Where content that comes back is put.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

pub(crate) fn version(text: &str) -> semver::Version {
    text.parse().unwrap()
}

/// Fetches the content, and gives its digest.
pub(crate) async fn fetched(
    repository: &dyn Repository,
    release: &Release,
    target: &Path,
) -> Digest {
    let mut download_file = PartialDownload::open(target, 1 << 30, &Silent).unwrap();
    repository.fetch(release, &mut download_file).await.unwrap();
    assert_eq!(
        Digest::of(&fs::read(target).unwrap()),
        download_file.digest()
    );
    download_file.digest()
}

/// What holds for every repository.
pub(crate) async fn all(repository: &dyn Repository) {
    let bench = Bench::new();
    nothing_is_there(repository).await;
    many_versions(repository, &bench).await;
    what_was_published_comes_back(repository, &bench).await;
    nothing_is_replaced_by_accident(repository, &bench).await;
    signatures_stay_with_their_release(repository, &bench).await;
    an_index_can_be_put_and_read(repository).await;
    what_is_deleted_is_gone(repository, &bench).await;
    builds_are_separate_versions(repository, &bench).await;
}

async fn nothing_is_there(repository: &dyn Repository) {
    let versions = repository.versions("absent").await.unwrap();
    assert_eq!(versions, Vec::new());
    let names = repository.names(None).await.unwrap();
    assert_eq!(
        names.names,
        Vec::<String>::new(),
        "the contract begins with nothing"
    );
    let error = repository
        .release("absent", &version("1.0.0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(repository.index().await.unwrap(), None);
}

/// Lists 1.9.0 and 1.10.0, whatever the order or markers of the server.
async fn many_versions(repository: &dyn Repository, bench: &Bench) {
    for text in ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "1.0.1+build.7"] {
        let upload = bench.package("tool", text, "a tool");
        repository.publish(&upload, false, &Silent).await.unwrap();
    }
    let upload = bench.package("other.tool_2", "0.1.0", "another");
    repository.publish(&upload, false, &Silent).await.unwrap();
    let mut versions = repository.versions("tool").await.unwrap();
    versions.sort();
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["1.0.0", "1.0.1+build.7", "1.9.0", "1.10.0", "2.0.0-rc.1"]
    );
    let names = repository.names(None).await.unwrap();
    assert_eq!(names.names, ["other.tool_2", "tool"]);
    assert_eq!(names.faults, []);
}

async fn what_was_published_comes_back(repository: &dyn Repository, bench: &Bench) {
    let upload = bench.package("tool", "1.0.1+build.7", "a tool");
    let release = repository
        .release("tool", &version("1.0.1+build.7"))
        .await
        .unwrap();
    assert_eq!(
        (release.name.as_str(), &release.version),
        ("tool", &upload.version)
    );
    let Description::Configuration { bytes, digest } = &release.description else {
        panic!("{release:?}");
    };
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&upload.configuration)
    );
    assert_eq!(*digest, Digest::of(&upload.configuration));
    assert_eq!(release.content.digest, Some(upload.digest));
    assert_eq!(release.content.size.unwrap_or(upload.size), upload.size);
    let document = repository.document(&release).await.unwrap().unwrap();
    assert_eq!(document, upload.document.clone().unwrap().bytes);
    assert_eq!(package::described(&document), Some(upload.digest));
    let digest = fetched(repository, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest, "the same content everywhere");
    // Whole already: continued, not broken.
    let digest = fetched(repository, &release, &bench.target("came")).await;
    assert_eq!(digest, upload.digest);
}

/// Publishing an existing version fails without `force`.
async fn nothing_is_replaced_by_accident(repository: &dyn Repository, bench: &Bench) {
    let first = bench.package("fixed", "1.0.0", "first");
    let second = bench.package("fixed", "1.0.0", "second");
    repository.publish(&first, false, &Silent).await.unwrap();
    let error = repository
        .publish(&second, false, &Silent)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let release = repository.release("fixed", &first.version).await.unwrap();
    assert_eq!(release.content.digest, Some(first.digest));
    let replaced = repository.publish(&second, true, &Silent).await.unwrap();
    assert_eq!(replaced.content.digest, Some(second.digest));
    let release = repository.release("fixed", &first.version).await.unwrap();
    assert_eq!(release.content.digest, Some(second.digest));
    let digest = fetched(repository, &release, &bench.target("replaced")).await;
    assert_eq!(digest, second.digest);
}

async fn signatures_stay_with_their_release(repository: &dyn Repository, bench: &Bench) {
    let release = repository.release("tool", &version("1.9.0")).await.unwrap();
    assert_eq!(repository.signatures(&release).await.unwrap(), Vec::new());
    let signatures = ["first", "second"].map(|who| Signature {
        format: Format::Minisign,
        payload: b"{\"a\":\"statement\"}".to_vec(),
        signature: format!("untrusted comment: {who}\n").into_bytes(),
    });
    for signature in &signatures {
        repository.sign(&release, signature).await.unwrap();
        repository.sign(&release, signature).await.unwrap();
    }
    let mut found = repository.signatures(&release).await.unwrap();
    found.sort_by(|left, right| left.signature.cmp(&right.signature));
    assert_eq!(found, signatures);
    let other = repository
        .release("tool", &version("1.10.0"))
        .await
        .unwrap();
    assert_eq!(repository.signatures(&other).await.unwrap(), Vec::new());
    // Neither shows up as a version or a package.
    assert_eq!(repository.versions("tool").await.unwrap().len(), 5);
    // What is replaced takes its signatures with it: they were of something else.
    let fixed = bench.package("fixed", "1.0.0", "third");
    let release = repository.release("fixed", &fixed.version).await.unwrap();
    repository.sign(&release, &signatures[0]).await.unwrap();
    let release = repository.publish(&fixed, true, &Silent).await.unwrap();
    assert_eq!(repository.signatures(&release).await.unwrap(), Vec::new());
}

async fn an_index_can_be_put_and_read(repository: &dyn Repository) {
    let small = b"{\"serial\":1}".to_vec();
    // Larger than anything else that is read into memory: its statement is as long as it is.
    let large = [b"{\"serial\":2}", vec![b' '; 5 << 20].as_slice()].concat();
    for bytes in [small, large] {
        let signature = Signature {
            format: Format::Minisign,
            payload: bytes.clone(),
            signature: b"of the index".to_vec(),
        };
        let index = IndexFile {
            bytes,
            signatures: vec![signature],
        };
        repository.put_index(&index).await.unwrap();
        let found = repository.index().await.unwrap();
        assert!(found == Some(index), "not what was written");
    }
    let index = IndexFile {
        bytes: b"{\"serial\":3}".to_vec(),
        signatures: Vec::new(),
    };
    repository.put_index(&index).await.unwrap();
    assert_eq!(repository.index().await.unwrap(), Some(index));
    // It is no package.
    let names = repository.names(None).await.unwrap();
    assert_eq!(names.names, ["fixed", "other.tool_2", "tool"]);
}

async fn what_is_deleted_is_gone(repository: &dyn Repository, bench: &Bench) {
    repository.delete("tool", &version("1.9.0")).await.unwrap();
    let error = repository
        .release("tool", &version("1.9.0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let mut versions = repository.versions("tool").await.unwrap();
    versions.sort();
    assert_eq!(versions.len(), 4);
    assert!(!versions.contains(&version("1.9.0")));
    let error = repository
        .delete("tool", &version("1.9.0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    // It can be published again, and is not signed by what was there before.
    let upload = bench.package("tool", "1.9.0", "again");
    let release = repository.publish(&upload, false, &Silent).await.unwrap();
    assert_eq!(repository.signatures(&release).await.unwrap(), Vec::new());
}

/// Versions that differ only in build metadata have their own content, document and signatures.
async fn builds_are_separate_versions(repository: &dyn Repository, bench: &Bench) {
    let texts = ["3.0.0", "3.0.0+build.5", "3.0.0+build.6"];
    let mut uploads = Vec::new();
    for text in texts {
        let upload = bench.package("fixed", text, &format!("build {text}"));
        let release = repository.publish(&upload, false, &Silent).await.unwrap();
        let signature = Signature {
            format: Format::Minisign,
            payload: b"{\"a\":\"statement\"}".to_vec(),
            signature: format!("untrusted comment: {text}\n").into_bytes(),
        };
        repository.sign(&release, &signature).await.unwrap();
        uploads.push((upload, signature));
    }
    let mut versions = repository.versions("fixed").await.unwrap();
    versions.sort();
    assert_eq!(versions[1..], texts.map(version));
    for (upload, signature) in &uploads {
        let release = repository.release("fixed", &upload.version).await.unwrap();
        assert_eq!(release.version, upload.version);
        assert_eq!(release.content.digest, Some(upload.digest));
        let document = repository.document(&release).await.unwrap().unwrap();
        assert_eq!(document, upload.document.clone().unwrap().bytes);
        let signatures = repository.signatures(&release).await.unwrap();
        assert_eq!(signatures, std::slice::from_ref(signature));
        let target = bench.target(&format!("fixed-{}", upload.version));
        assert_eq!(fetched(repository, &release, &target).await, upload.digest);
    }
    repository
        .delete("fixed", &version(texts[0]))
        .await
        .unwrap();
    assert!(
        !repository
            .exists("fixed", &version(texts[0]))
            .await
            .unwrap()
    );
    for (upload, _) in &uploads[1..] {
        assert!(repository.exists("fixed", &upload.version).await.unwrap());
    }
    repository
        .delete("fixed", &version(texts[2]))
        .await
        .unwrap();
    let mut versions = repository.versions("fixed").await.unwrap();
    versions.sort();
    assert_eq!(versions[1..], [version(texts[1])]);
}
