//! Reads packages from an HTTP server.

use extension_registry_core::diagnostic::Note;
use futures::StreamExt;
use futures::stream;
use reqwest::Method;

use super::Remote;
use super::server::{Need, Sums};
use crate::found::{self, Piece, VersionFiles};
use crate::{
    Blob, Capabilities, DiscoveryMethod, DocumentFormat, Error, IndexFile, Names, Release, Result,
};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout as layout;
use extension_registry_package_layout::{Files, INDEX, is_word, pom, xml};
use extension_registry_package_transport::transport::{Answer, Call};
use extension_registry_package_trust::signature::{Format, Signature};

/// Maximum number of packages that are queried concurrently.
const AT_ONCE: usize = 8;

impl Remote {
    /// Returns the folder of a package.
    pub(super) fn package(&self, name: &str) -> String {
        format!("{}/{name}", self.group.replace('.', "/"))
    }

    /// Returns the folder of a version.
    pub(super) fn version(&self, name: &str, version: &semver::Version) -> String {
        format!("{}/{version}", self.package(name))
    }

    pub(super) fn id(&self) -> &str {
        &self.server.id
    }

    /// Requests the index, which may be missing. Servers do not report other permissions.
    pub(super) async fn probed(&self) -> Result<Capabilities> {
        let what = "respond";
        let call = Call::new(Method::HEAD, self.server.address("", INDEX));
        let status = self.server.send(what, call).await?.status();
        if status.is_server_error() || matches!(status.as_u16(), 401 | 403) {
            return Err(self.server.refused(what, status));
        }
        Ok(Capabilities {
            list: !self.names.is_empty(),
            publish: true,
            delete: true,
            resume: true,
            ..Capabilities::default()
        })
    }

    /// Returns the packages of the configuration that exist: one file for each, and its checksum.
    pub(super) async fn named(&self) -> Result<Names> {
        if self.names.is_empty() {
            return Err(Error::Unsupported {
                repository: self.id().to_owned(),
                what: "list packages: Maven repositories cannot be listed over HTTP".to_owned(),
                hint: "set `names` for the repository, or publish an index to it".to_owned(),
            });
        }
        let asked = stream::iter(self.names.clone()).map(|name| async move {
            let versions = self.listed(&name).await;
            (name, versions)
        });
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let mut names = Names {
            names: Vec::new(),
            method: DiscoveryMethod::Named,
            faults: Vec::new(),
        };
        for (name, versions) in answers {
            match versions {
                Ok(versions) if versions.is_empty() => {}
                Ok(_) => names.names.push(name),
                // A corrupt package hides no other, but a server that does not respond fails the whole listing.
                Err(error @ Error::Broken { .. }) => names.faults.push(Note::of(&error)),
                Err(error) => return Err(error),
            }
        }
        Ok(names)
    }

    /// Reads a version: its POM, its configuration, and the headers of its content and its document.
    pub(super) async fn read_release(
        &self,
        name: &str,
        version: &semver::Version,
    ) -> Result<Release> {
        let absent = || found::absent(self.id(), name, version);
        if !is_word(name) {
            return Err(absent());
        }
        let (folder, files) = (self.version(name, version), Files::of(name, version));
        let (pom_file, configuration_file) = (files.pom(), files.configuration());
        let (text, configuration) = futures::try_join!(
            self.server
                .checked(&folder, &pom_file, xml::LONGEST, Sums::RequiredIfPresent),
            self.server.checked(
                &folder,
                &configuration_file,
                layout::CONFIGURATION,
                Sums::RequiredIfPresent
            ),
        )?;
        if text.is_none() && configuration.is_none() {
            // Without any file, a denied request may be one for an existing version.
            self.server.head(&folder, &pom_file, Need::Expected).await?;
            return Err(absent());
        }
        let read = text.map(|text| pom::read(&text, name, version));
        let foreign = read
            .transpose()
            .map_err(|why| found::broken(self.id(), &pom_file, why))?;
        let (content, document) = futures::try_join!(
            self.find_content(&folder, &files, foreign.as_ref()),
            self.find_document(&folder, &files),
        )?;
        let Some((content, published)) = content else {
            for ending in endings(foreign.as_ref()) {
                let file = files.content(ending);
                self.server.head(&folder, &file, Need::Expected).await?;
            }
            let what = format!("version {version} of {name}");
            let why = "it has no content".to_owned();
            return Err(found::unreadable(self.id(), &what, why));
        };
        let locator = self.server.address(&folder, &content.file).to_string();
        let found = VersionFiles {
            configuration,
            foreign,
            content,
            document,
            locator,
            published,
        };
        found.release(self.id(), name, version)
    }

    /// Finds the content and its modification time. The packaging of the POM determines its file extension.
    async fn find_content(
        &self,
        folder: &str,
        files: &Files,
        foreign: Option<&pom::Foreign>,
    ) -> Result<Option<(Piece, Option<String>)>> {
        for ending in endings(foreign) {
            let file = files.content(ending);
            let Some(answer) = self.server.head(folder, &file, Need::Optional).await? else {
                continue;
            };
            let published = answer.header("last-modified").and_then(found::date);
            let size = size(&answer, &file);
            let checksums = self.server.checksums(folder, &file).await?;
            return Ok(Some((
                Piece {
                    file,
                    size,
                    checksums,
                },
                published,
            )));
        }
        Ok(None)
    }

    async fn find_document(&self, folder: &str, files: &Files) -> Result<Option<Piece>> {
        for format in [DocumentFormat::Markdown, DocumentFormat::AsciiDoc] {
            let file = files.document(format);
            let Some(answer) = self.server.head(folder, &file, Need::Optional).await? else {
                continue;
            };
            let size = size(&answer, &file);
            let checksums = self.server.checksums(folder, &file).await?;
            return Ok(Some(Piece {
                file,
                size,
                checksums,
            }));
        }
        Ok(None)
    }

    pub(super) async fn read_document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        let Some(blob) = &release.document else {
            return Ok(None);
        };
        let file = self.named_file(blob, release)?;
        let folder = self.version(&release.name, &release.version);
        let read = self
            .server
            .checked(&folder, file, layout::DOCUMENT, Sums::Required);
        let bytes = read.await?;
        if let Some(bytes) = &bytes {
            found::check_digest(self.id(), file, blob.digest, Digest::of(bytes))?;
        }
        Ok(bytes)
    }

    /// Returns the file name of a blob if it is valid in this repository.
    pub(super) fn named_file<'b>(&self, blob: &'b Blob, release: &Release) -> Result<&'b str> {
        let Release { name, version, .. } = release;
        blob.file
            .as_deref()
            .filter(|file| is_word(name) && layout::is_file_of(file, name, version))
            .ok_or_else(|| found::absent(self.id(), name, version))
    }

    pub(super) async fn read_signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        let Release { name, version, .. } = release;
        if !is_word(name) {
            return Ok(Vec::new());
        }
        let (folder, statement) = (
            self.version(name, version),
            Files::of(name, version).statement(),
        );
        let payload = self
            .server
            .checked(&folder, &statement, layout::SIGNATURE, Sums::Agreeing);
        match payload.await? {
            Some(payload) => self.signatures_of(&folder, &statement, &payload).await,
            None => Ok(Vec::new()),
        }
    }

    /// Reads the signatures of a file up to the first missing number.
    pub(super) async fn signatures_of(
        &self,
        folder: &str,
        file: &str,
        payload: &[u8],
    ) -> Result<Vec<Signature>> {
        let mut signatures = Vec::new();
        for number in 1..=layout::SIGNATURES {
            let name = layout::signature(file, number);
            let read = self
                .server
                .checked(folder, &name, layout::SIGNATURE, Sums::Agreeing);
            let Some(signature) = read.await? else {
                break;
            };
            signatures.push(Signature {
                format: Format::Minisign,
                payload: payload.to_vec(),
                signature,
            });
        }
        Ok(signatures)
    }

    pub(super) async fn read_index(&self) -> Result<Option<IndexFile>> {
        let read = self
            .server
            .checked("", INDEX, layout::INDEX_LONGEST, Sums::Agreeing);
        let Some(bytes) = read.await? else {
            return Ok(None);
        };
        let signatures = self.signatures_of("", INDEX, &bytes).await?;
        Ok(Some(IndexFile { bytes, signatures }))
    }
}

/// Returns the size of a file; None if the server compresses it, since it declares another size then.
fn size(answer: &Answer, file: &str) -> Option<u64> {
    let is_raw = layout::is_compressed(file) || answer.header("content-encoding").is_none();
    answer.length().filter(|_| is_raw)
}

/// Returns possible file extensions of the content, the most likely first.
pub(super) fn endings(foreign: Option<&pom::Foreign>) -> Vec<&str> {
    let own = foreign.map(|foreign| foreign.ending.as_str());
    let mut endings: Vec<&str> = own
        .into_iter()
        .filter(|ending| layout::is_content(ending))
        .collect();
    for ending in layout::CONTENTS {
        if !endings.contains(&ending) {
            endings.push(ending);
        }
    }
    endings
}
