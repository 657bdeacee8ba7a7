//! Files as somebody puts them into a repository by hand, or by another program.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every test needs all of it"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use extension_registry_package_format::Digest;
use extension_registry_package_format::manifest::{Manifest, read};
use extension_registry_package_repository::Upload;
use md5::Md5;
use sha1::Sha1;
use sha2::Digest as _;

/// What `mvn deploy` writes beside a file.
pub(crate) const OF_MAVEN: &[&str] = &["md5", "sha1"];
/// What we write beside a file.
pub(crate) const OURS: &[&str] = &["md5", "sha1", "sha256"];

/// Writes a file and these checksums.
pub(crate) fn put(folder: &Path, file: &str, bytes: &[u8], sums: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(file), bytes).unwrap();
    for &ending in sums {
        let sum = match ending {
            "md5" => hex::encode(Md5::digest(bytes)),
            "sha1" => hex::encode(Sha1::digest(bytes)),
            _ => Digest::of(bytes).to_string(),
        };
        fs::write(folder.join(format!("{file}.{ending}")), sum).unwrap();
    }
}

/// All files below a folder, without hidden ones, by their paths from there.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Bytes that mean nothing, the same for the same seed.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// An upload whose content is a blob of nothing in particular.
pub(crate) fn blob(target: PathBuf, name: &str, version: &str, bytes: &[u8]) -> Upload {
    fs::write(&target, bytes).unwrap();
    let manifest = manifest(name, version, "");
    Upload {
        name: name.to_owned(),
        version: manifest.version.clone(),
        configuration: manifest.to_json(),
        content: target,
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        document: None,
        manifest,
    }
}

/// A manifest with more lines.
pub(crate) fn manifest(name: &str, version: &str, more: &str) -> Manifest {
    let text =
        format!("extension:\n  name: {name}\n  version: {version}\n  description: a\n{more}");
    let (manifest, diagnostics) = read(&text);
    manifest.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// The POM of something that was made for another program.
pub(crate) fn pom(group: &str, name: &str, version: &str, packaging: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n\
         <modelVersion>4.0.0</modelVersion><groupId>{group}</groupId>\n\
         <artifactId>{name}</artifactId><version>{version}</version>\n\
         <packaging>{packaging}</packaging><description>made elsewhere</description>\n\
         <licenses><license><name>Apache-2.0</name></license></licenses>\n\
         <dependencies><dependency><groupId>{group}</groupId><artifactId>base</artifactId>\n\
         <version>[1.0,2.0)</version></dependency></dependencies>\n</project>\n"
    )
}
