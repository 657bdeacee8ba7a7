//! From the files of a version, wherever they were, to what is said of it.

use std::path::PathBuf;

use super::checksum::{Actual, Algorithm, Said, none_of};
use super::pom;
use crate::digest::Digest;
use crate::repository::{Blob, Description, Error, Release, Sink, Upload};

/// A file of a version that is not read here.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) file: String,
    pub(crate) size: Option<u64>,
    pub(crate) said: Said,
}

/// What there is of a version.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The configuration, if it is a package of ours.
    pub(crate) configuration: Option<Vec<u8>>,
    /// What is known of it else.
    pub(crate) foreign: Option<pom::Foreign>,
    pub(crate) content: Piece,
    pub(crate) document: Option<Piece>,
    pub(crate) locator: String,
    pub(crate) published: Option<String>,
}

impl Found {
    /// What is said of the version. All of its files have checksums (R25).
    pub(crate) fn release(
        self,
        id: &str,
        name: &str,
        version: &semver::Version,
    ) -> Result<Release, Error> {
        for piece in self.document.iter().chain([&self.content]) {
            if piece.said.is_empty() {
                return Err(broken(id, &piece.file, none_of(&piece.file)));
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
            digest: piece.said.digest(),
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

/// Holds a file against the checksums beside it (R25).
pub(crate) fn check(id: &str, file: &str, said: &Said, actual: &Actual) -> Result<(), Error> {
    if said.is_empty() {
        return Err(broken(id, file, none_of(file)));
    }
    match said.contradiction(file, actual) {
        Some(why) => Err(broken(id, file, why)),
        None => Ok(()),
    }
}

/// Holds a content that came against all that is said of it.
pub(crate) async fn check_content(
    id: &str,
    file: &str,
    said: &Said,
    wanted: Option<Digest>,
    sink: &Sink<'_>,
) -> Result<(), Error> {
    let (path, digest) = (sink.path().to_owned(), sink.digest());
    check_digest(id, file, wanted, digest)?;
    if said.is_digest_alone() {
        return check(id, file, said, &Actual::of_digest(digest));
    }
    let actual = sums_of(id, path).await?;
    check(id, file, said, &actual)
}

/// The checksums of a file of this machine.
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

/// Work on files did not come to its end.
pub(crate) fn stopped(id: &str, error: &tokio::task::JoinError) -> Error {
    Error::Unavailable {
        repository: id.to_owned(),
        what: "work on its files".to_owned(),
        why: error.to_string(),
        hint: String::new(),
    }
}

/// Holds a content against the digest of its release.
pub(crate) fn check_digest(
    id: &str,
    file: &str,
    wanted: Option<Digest>,
    found: Digest,
) -> Result<(), Error> {
    match wanted {
        Some(wanted) if wanted != found => {
            let why = format!("its SHA-256 digest is {found}, that of the release is {wanted}");
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
        hint: "find out who changed it, or publish the version again with --force".to_owned(),
    }
}

pub(crate) fn absent(id: &str, name: &str, version: &semver::Version) -> Error {
    Error::NotFound {
        repository: id.to_owned(),
        what: format!("version {version} of {name}"),
        hint: String::new(),
    }
}

/// These repositories keep signatures of one form; the others belong to OCI registries.
pub(crate) fn only_minisign(id: &str) -> Error {
    Error::Unsupported {
        repository: id.to_owned(),
        what: "keep a signature that is not of minisign".to_owned(),
        hint: "sign with a minisign key, or publish to an OCI registry".to_owned(),
    }
}

/// A statement is about one content; signatures of another one have to go first.
pub(crate) fn other_statement(id: &str, file: &str) -> Error {
    Error::Broken {
        repository: id.to_owned(),
        what: file.to_owned(),
        why: "what is signed there is something else than what you signed".to_owned(),
        hint: "pull the version and verify it; publish it again with --force to begin with no signature".to_owned(),
    }
}

/// A name that is no part of a path.
pub(crate) fn unusable(id: &str, name: &str) -> Error {
    let shown: String = name.chars().take(80).collect();
    Error::Unsupported {
        repository: id.to_owned(),
        what: format!("keep a package that is called {shown:?}"),
        hint: "use letters, digits and `.`, `_`, `-` in between".to_owned(),
    }
}

/// What is published has to be what it was built to be.
pub(crate) fn check_upload(id: &str, upload: &Upload, actual: &Actual) -> Result<(), Error> {
    let (found, wanted) = (actual.get(Algorithm::Sha256), upload.digest.to_string());
    if found == wanted {
        return Ok(());
    }
    Err(Error::Broken {
        repository: id.to_owned(),
        what: upload.content.display().to_string(),
        why: format!("its SHA-256 digest is {found}, it was built with {wanted}"),
        hint: "build the package again".to_owned(),
    })
}
