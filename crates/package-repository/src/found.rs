//! Builds a release from the files of a version, wherever they are stored.

use std::path::PathBuf;

use crate::{Blob, Description, Error, PartialDownload, Release, Upload};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::checksum::{Actual, Algorithm, ChecksumFiles, none_of};
use extension_registry_package_layout::pom;

/// A file of a version that is not read here.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) file: String,
    pub(crate) size: Option<u64>,
    pub(crate) checksums: ChecksumFiles,
}

/// The files of a version.
#[derive(Clone, Debug)]
pub(crate) struct VersionFiles {
    /// The configuration, if it is a native package.
    pub(crate) configuration: Option<Vec<u8>>,
    /// The description of a foreign package.
    pub(crate) foreign: Option<pom::Foreign>,
    pub(crate) content: Piece,
    pub(crate) document: Option<Piece>,
    pub(crate) locator: String,
    pub(crate) published: Option<String>,
}

impl VersionFiles {
    /// Builds the release. All of its files must have checksums.
    pub(crate) fn release(
        self,
        id: &str,
        name: &str,
        version: &semver::Version,
    ) -> Result<Release, Error> {
        for piece in self.document.iter().chain([&self.content]) {
            if piece.checksums.is_empty() {
                return Err(unreadable(id, &piece.file, none_of(&piece.file)));
            }
        }
        let description = match (self.configuration, self.foreign) {
            (Some(bytes), _) => Description::Configuration {
                digest: Digest::of(&bytes),
                bytes,
            },
            (None, Some(foreign)) => Description::Foreign(Box::new(foreign.manifest)),
            (None, None) => return Err(absent(id, name, version)),
        };
        let blob = |piece: Piece| Blob {
            digest: piece.checksums.digest(),
            size: piece.size,
            file: Some(piece.file),
        };
        Ok(Release {
            name: name.to_owned(),
            version: version.clone(),
            description,
            content: blob(self.content),
            document: self.document.map(blob),
            locator: self.locator,
            manifest: None,
            published: self.published,
        })
    }
}

/// Verifies a file against its checksum files.
pub(crate) fn check(
    id: &str,
    file: &str,
    checksums: &ChecksumFiles,
    actual: &Actual,
) -> Result<(), Error> {
    if checksums.is_empty() {
        return Err(unreadable(id, file, none_of(file)));
    }
    match checksums.contradiction(file, actual) {
        Some(why) => Err(broken(id, file, why)),
        None => Ok(()),
    }
}

/// Verifies downloaded content against its checksums.
pub(crate) async fn check_content(
    id: &str,
    file: &str,
    checksums: &ChecksumFiles,
    wanted: Option<Digest>,
    download_file: &PartialDownload<'_>,
) -> Result<(), Error> {
    let (path, digest) = (download_file.path().to_owned(), download_file.digest());
    check_digest(id, file, wanted, digest)?;
    if checksums.is_digest_alone() {
        return check(id, file, checksums, &Actual::of_digest(digest));
    }
    let actual = sums_of(id, path).await?;
    check(id, file, checksums, &actual)
}

/// Computes the checksums of a local file.
pub(crate) async fn sums_of(id: &str, path: PathBuf) -> Result<Actual, Error> {
    let hashing = tokio::task::spawn_blocking(move || {
        let actual = Actual::of_file(&path);
        actual.map_err(|error| Error::File {
            what: "read",
            path,
            error,
        })
    });
    hashing.await.map_err(|error| stopped(id, &error))?
}

/// Converts the date of a header (RFC 9110, section 5.6.7) to RFC 3339.
pub(crate) fn date(text: &str) -> Option<String> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().to_string())
}

/// Converts the failure of a worker task.
pub(crate) fn stopped(id: &str, error: &tokio::task::JoinError) -> Error {
    Error::unavailable(id, "access its files", error.to_string(), "")
}

/// Verifies content against the digest of its release.
pub(crate) fn check_digest(
    id: &str,
    file: &str,
    wanted: Option<Digest>,
    found: Digest,
) -> Result<(), Error> {
    match wanted {
        Some(wanted) if wanted != found => {
            let why = format!("SHA-256 mismatch: expected {wanted}, got {found}");
            Err(broken(id, file, why))
        }
        _ => Ok(()),
    }
}

pub(crate) fn broken(id: &str, what: &str, why: String) -> Error {
    Error::Broken {
        repository: id.to_owned(),
        what: what.to_owned(),
        why,
        hint: "find out what changed it, or publish the version again with --force".to_owned(),
    }
}

/// Reports a file that is missing or has an unknown format. The tool or the server that wrote it did so; nothing
/// changed it.
pub(crate) fn unreadable(id: &str, what: &str, why: String) -> Error {
    Error::Broken {
        repository: id.to_owned(),
        what: what.to_owned(),
        why,
        hint: "publish the version again with --force".to_owned(),
    }
}

pub(crate) fn absent(id: &str, name: &str, version: &semver::Version) -> Error {
    Error::NotFound {
        repository: id.to_owned(),
        what: format!("version {version} of {name}"),
        hint: String::new(),
    }
}

/// Only OCI registries store other kinds of signatures.
pub(crate) fn only_minisign(id: &str) -> Error {
    Error::Unsupported {
        repository: id.to_owned(),
        what: "store signatures other than minisign signatures".to_owned(),
        hint: "sign with a minisign key, or publish to an OCI registry".to_owned(),
    }
}

/// A statement covers one content; signatures of another content must be removed first.
pub(crate) fn other_statement(id: &str, file: &str) -> Error {
    Error::Broken {
        repository: id.to_owned(),
        what: file.to_owned(),
        why: "the stored statement differs from the one that you signed".to_owned(),
        hint: "pull the version and verify it, or publish it again with --force to remove its signatures".to_owned(),
    }
}

/// Rejects a name that cannot be a path segment.
pub(crate) fn unusable(id: &str, name: &str) -> Error {
    let shown: String = name.chars().take(80).collect();
    Error::Unsupported {
        repository: id.to_owned(),
        what: format!("store a package named {shown:?}"),
        hint: "use letters and digits, separated by `.`, `_` or `-`".to_owned(),
    }
}

/// Verifies that the upload is what was built.
pub(crate) fn check_upload(id: &str, upload: &Upload, actual: &Actual) -> Result<(), Error> {
    let (found, wanted) = (actual.get(Algorithm::Sha256), upload.digest.to_string());
    if found == wanted {
        return Ok(());
    }
    Err(Error::Broken {
        repository: id.to_owned(),
        what: upload.content.display().to_string(),
        why: format!("SHA-256 mismatch: expected {wanted}, got {found}"),
        hint: "build the package again".to_owned(),
    })
}
