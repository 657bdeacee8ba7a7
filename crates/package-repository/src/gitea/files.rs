//! The files of a version with their digests, from Gitea's listing or from the published digest file.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::Deserialize;

use super::server::{Access, Server};
use crate::{Blob, DocumentFormat, Error, Result};
use extension_registry_package_format::digest::Digest;
pub(super) use extension_registry_package_layout::Files;
use extension_registry_package_layout::{is_file_of, signature, signature_numbers};
use extension_registry_package_transport::transport::Call;

/// Maximum size of a file listing.
const LIMIT: u64 = 4 << 20;

#[derive(Deserialize)]
struct ListingEntry {
    name: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    sha256: Option<String>,
}

/// The files of one version.
#[derive(Debug)]
pub(super) struct VersionFiles {
    names: Files,
    blobs: BTreeMap<String, Blob>,
    /// Whether the list is complete; the digest file does not include files that were added later.
    is_all: bool,
}

impl VersionFiles {
    pub(super) fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.blobs.keys().cloned().collect()
    }

    pub(super) fn blob(&self, file: &str) -> Option<&Blob> {
        self.blobs.get(file)
    }

    pub(super) fn configuration(&self) -> String {
        self.names.configuration()
    }

    pub(super) fn content_name(&self, ending: &str) -> String {
        self.names.content(ending)
    }

    /// Returns the content: the file that is none of the others.
    pub(super) fn content(&self) -> Option<Blob> {
        let list = self.names();
        let first = self.names.contents(&list).into_iter().next()?;
        self.blobs.get(first).cloned()
    }

    pub(super) fn document(&self) -> Option<Blob> {
        [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
            .iter()
            .find_map(|format| self.blobs.get(&self.names.document(*format)))
            .cloned()
    }

    /// Returns the existing signatures, with their numbers; None if the list is incomplete.
    pub(super) fn signatures(&self) -> Option<Vec<(usize, &Blob)>> {
        let statement = self.names.statement();
        self.is_all.then(|| {
            let numbers = signature_numbers(&statement, &self.names());
            let blob = |number| Some((number, self.blobs.get(&signature(&statement, number))?));
            numbers.into_iter().filter_map(blob).collect()
        })
    }
}

/// File extension of the digest file.
const DIGESTS: &str = "sha256";

/// Returns the name of the digest file.
pub(super) fn digests_name(names: &Files) -> String {
    names.content(DIGESTS)
}

/// Formats the digest file for `sha256sum --check`.
pub(super) fn digests<'f>(files: impl IntoIterator<Item = (&'f str, Digest)>) -> String {
    files
        .into_iter()
        .fold(String::new(), |text, (file, digest)| {
            format!("{text}{digest}  {file}\n")
        })
}

/// Reads the files of a version; None if there is no such version.
pub(super) async fn read(
    server: &Server,
    name: &str,
    version: &semver::Version,
) -> Result<Option<VersionFiles>> {
    let what = format!("read version {version} of {name}");
    let names = Files::of(name, version);
    if !server.is_anonymous() {
        let text = version.to_string();
        let below = ["generic", name, &text, "files"];
        let answer = server
            .send(&what, Call::get(server.list(&below, &[])))
            .await?;
        match answer.status() {
            StatusCode::OK => {
                let listed: Vec<ListingEntry> = server.json(&what, answer).await?;
                let blobs = listed.into_iter().map(blob).collect();
                return Ok(Some(VersionFiles {
                    names,
                    blobs,
                    is_all: true,
                }));
            }
            StatusCode::NOT_FOUND => return Ok(None),
            // The token may allow downloads but not listings.
            StatusCode::FORBIDDEN => {}
            status => return Err(server.refused(&what, Access::Read, status)),
        }
    }
    let file = digests_name(&names);
    let url = server.file(name, &version.to_string(), &file);
    let Some(bytes) = server.read(&what, url, LIMIT).await? else {
        return Ok(None);
    };
    let blobs = parse(&bytes, name, version).ok_or_else(|| Error::Broken {
        repository: server.id.clone(),
        what: file,
        why: "each line must be a SHA-256 digest, two spaces and a file name".to_owned(),
        hint: "publish the version again with --force".to_owned(),
    })?;
    Ok(Some(VersionFiles {
        names,
        blobs,
        is_all: false,
    }))
}

fn blob(listed: ListingEntry) -> (String, Blob) {
    let digest = listed.sha256.and_then(|text| text.parse().ok());
    let blob = Blob {
        digest,
        size: listed.size,
        file: Some(listed.name.clone()),
    };
    (listed.name, blob)
}

fn parse(bytes: &[u8], name: &str, version: &semver::Version) -> Option<BTreeMap<String, Blob>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (digest, file) = line.split_once("  ")?;
            let blob = Blob {
                digest: Some(digest.parse().ok()?),
                size: None,
                file: Some(file.to_owned()),
            };
            is_file_of(file, name, version).then(|| (file.to_owned(), blob))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_file_round_trips() {
        let digest = Digest::of(b"content");
        let text = digests([("a-1.0.0.tar.gz", digest), ("a-1.0.0.json", digest)]);
        let blobs = parse(text.as_bytes(), "a", &semver::Version::new(1, 0, 0)).unwrap();
        assert_eq!(blobs.len(), 2);
        assert_eq!(blobs["a-1.0.0.tar.gz"].digest, Some(digest));
    }

    #[test]
    fn rejects_invalid_digest_file() {
        let digest = Digest::of(b"content");
        for text in [
            "<html></html>".to_owned(),
            format!("{digest}  ../../etc/passwd\n"),
            format!("{digest}\n"),
            format!("{digest}  b-1.0.0.tar.gz\n"),
        ] {
            let parsed = parse(text.as_bytes(), "a", &semver::Version::new(1, 0, 0));
            assert!(parsed.is_none(), "{text}");
        }
    }
}
