//! Reads the packages of the folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::disk::{Disk, failed};
use crate::found::{self, Piece, VersionFiles};
use crate::{Blob, DiscoveryMethod, DocumentFormat, IndexFile, Kind, Names, Release, Result};
use extension_registry_core::diagnostic::Note;
use extension_registry_package_format::manifest;
use extension_registry_package_layout as layout;
use extension_registry_package_layout::checksum::{self, Actual, Algorithm, ChecksumFiles};
use extension_registry_package_layout::{Files, INDEX, metadata, pom, xml};
use extension_registry_package_trust::signature::{Format, Signature};

impl Disk {
    pub(super) fn names(&self) -> Result<Names> {
        self.real_root()?;
        let _shared = self.share();
        let mut names = Names {
            names: Vec::new(),
            method: DiscoveryMethod::Catalog,
            faults: Vec::new(),
        };
        if self.root.join(manifest::FILE).is_file() {
            let root = self.root.display();
            let message = format!(
                "{}: {root} is a package, not a repository of packages",
                self.id
            );
            let hint = format!("publish it with `kubectl ext package publish {root}`");
            names.faults.push(Note::new(message).hint(hint));
            return Ok(names);
        }
        for name in self.folders(&self.root.join(&self.group))? {
            match self.inspect(&name, &mut names.faults) {
                Ok(true) => names.names.push(name),
                Ok(false) => {}
                Err(error) => names.faults.push(Note::of(&error)),
            }
        }
        names.names.sort();
        Ok(names)
    }

    /// Returns whether a folder is a package, and records what is wrong with it or its versions.
    fn inspect(&self, name: &str, faults: &mut Vec<Note>) -> Result<bool> {
        let path = self.package(name);
        let folders = self.folders(&path)?;
        let versions = metadata::semantic(folders.iter().map(String::as_str));
        if versions.is_empty() {
            // A folder with folders only is another group of a Maven repository.
            let is_group = self.kind == Kind::Maven && self.files(&path)?.is_empty();
            let is_empty = folders.is_empty() && self.files(&path)?.is_empty();
            if !is_group && !is_empty {
                faults.push(Note::new(format!(
                    "{name}: no subdirectory has a semantic version as its name"
                )));
            }
            return Ok(false);
        }
        if !layout::is_word(name) {
            let shown: String = name.chars().take(80).collect();
            faults.push(Note::new(format!("{shown:?} is not a valid package name")));
            return Ok(false);
        }
        let mut has_content = false;
        for version in versions {
            let path = self.version(name, &version);
            let list = match self.files(&path) {
                Ok(list) => list,
                Err(error) => {
                    faults.push(Note::of(&error));
                    continue;
                }
            };
            let stem = Files::of(name, &version);
            let Some(content) = stem.contents(&list).first().copied() else {
                faults.push(Note::new(format!(
                    "version {version} of {name} has no content"
                )));
                continue;
            };
            has_content = true;
            let is_summed = Algorithm::ALL
                .iter()
                .any(|one| list.contains(&one.file(content)));
            if !is_summed {
                let why = checksum::none_of(content);
                faults.push(Note::new(format!("{content} is corrupt: {why}")));
            }
        }
        Ok(has_content)
    }

    pub(super) fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        self.real_root()?;
        if !layout::is_word(name) {
            return Ok(Vec::new());
        }
        let _shared = self.share();
        let folders = self.folders(&self.package(name))?;
        let mut versions = metadata::semantic(folders.iter().map(String::as_str));
        versions.retain(|version| {
            let list = self.files(&self.version(name, version)).unwrap_or_default();
            !Files::of(name, version).contents(&list).is_empty()
        });
        Ok(versions)
    }

    /// Reads a version. The caller holds the lock, shared or exclusive.
    pub(super) fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        let absent = || found::absent(&self.id, name, version);
        self.real_root()?;
        if !layout::is_word(name) {
            return Err(absent());
        }
        let (path, stem) = (self.version(name, version), Files::of(name, version));
        let list = self.files(&path)?;
        let has = |file: &String| list.contains(file);
        let configuration = Some(stem.configuration()).filter(has);
        let pom = Some(stem.pom()).filter(has);
        let contents = stem.contents(&list);
        if contents.is_empty() && configuration.is_none() && pom.is_none() {
            return Err(absent());
        }
        let (mut bytes, mut foreign) = (None, None);
        if let Some(file) = configuration {
            bytes = Some(self.checked(&path, &file, layout::CONFIGURATION)?);
        } else if let Some(file) = pom {
            let text = self.checked(&path, &file, xml::LONGEST)?;
            let read = pom::read(&text, name, version);
            foreign = Some(read.map_err(|why| found::broken(&self.id, &file, why))?);
        }
        let wanted = foreign
            .as_ref()
            .map(|foreign| stem.content(&foreign.ending));
        let content = match (wanted, contents.as_slice()) {
            (Some(wanted), list) if list.contains(&wanted.as_str()) => wanted,
            (_, [first, ..]) => (*first).to_owned(),
            (_, []) => {
                let what = format!("version {version} of {name}");
                return Err(found::unreadable(
                    &self.id,
                    &what,
                    "it has no content".to_owned(),
                ));
            }
        };
        if bytes.is_none() && foreign.is_none() {
            let ending = stem.ending_of(&content).unwrap_or_default();
            foreign = Some(pom::unknown(name, version, ending));
        }
        let document = [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
            .map(|format| stem.document(format))
            .into_iter()
            .find(has);
        let (content_path, published) = (path.join(&content), changed(&path.join(&content)));
        let found = VersionFiles {
            configuration: bytes,
            foreign,
            content: self.piece(&path, content)?,
            document: document.map(|file| self.piece(&path, file)).transpose()?,
            locator: content_path.display().to_string(),
            published,
        };
        found.release(&self.id, name, version)
    }

    pub(super) fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        let Some(blob) = &release.document else {
            return Ok(None);
        };
        let _shared = self.share();
        let path = self.version(&release.name, &release.version);
        let file = self.named(blob, &release.name, &release.version)?;
        let bytes = self.checked(&path, &file, layout::DOCUMENT)?;
        found::check_digest(
            &self.id,
            &file,
            blob.digest,
            extension_registry_package_format::Digest::of(&bytes),
        )?;
        Ok(Some(bytes))
    }

    pub(super) fn signatures(
        &self,
        name: &str,
        version: &semver::Version,
    ) -> Result<Vec<Signature>> {
        let _shared = self.share();
        let (path, stem) = (self.version(name, version), Files::of(name, version));
        let statement = stem.statement();
        let payload = self.agreed(&path, &statement, layout::SIGNATURE)?;
        match payload {
            Some(payload) => self.signatures_of(&path, &statement, &payload),
            None => Ok(Vec::new()),
        }
    }

    /// Reads the signatures of a file, by number.
    pub(super) fn signatures_of(
        &self,
        folder: &Path,
        file: &str,
        payload: &[u8],
    ) -> Result<Vec<Signature>> {
        let mut signatures = Vec::new();
        for number in layout::signature_numbers(file, &self.files(folder)?) {
            let name = layout::signature(file, number);
            if let Some(signature) = self.agreed(folder, &name, layout::SIGNATURE)? {
                signatures.push(Signature {
                    format: Format::Minisign,
                    payload: payload.to_vec(),
                    signature,
                });
            }
        }
        Ok(signatures)
    }

    pub(super) fn index(&self) -> Result<Option<IndexFile>> {
        self.real_root()?;
        let _shared = self.share();
        let Some(bytes) = self.agreed(&self.root, INDEX, layout::INDEX_LONGEST)? else {
            return Ok(None);
        };
        let signatures = self.signatures_of(&self.root, INDEX, &bytes)?;
        Ok(Some(IndexFile { bytes, signatures }))
    }

    /// Opens the content, with its checksums. Replacing it later does not affect the open file.
    pub(super) fn content(
        &self,
        name: &str,
        version: &semver::Version,
        blob: &Blob,
    ) -> Result<(File, PathBuf, ChecksumFiles, u64)> {
        let _shared = self.share();
        let folder = self.version(name, version);
        let file = self.named(blob, name, version)?;
        let checksums = self.checksums(&folder, &file)?;
        if checksums.is_empty() {
            return Err(found::unreadable(&self.id, &file, checksum::none_of(&file)));
        }
        let path = folder.join(&file);
        let Some(opened) = self.open(&path)? else {
            return Err(found::absent(&self.id, name, version));
        };
        let size = opened.metadata().map_err(failed("read", &path))?.len();
        Ok((opened, path, checksums, size))
    }

    /// Returns the file name of a blob if it is valid in this folder.
    fn named(&self, blob: &Blob, name: &str, version: &semver::Version) -> Result<String> {
        let file = blob
            .file
            .clone()
            .filter(|file| layout::is_file_of(file, name, version));
        file.ok_or_else(|| found::absent(&self.id, name, version))
    }

    fn piece(&self, folder: &Path, file: String) -> Result<Piece> {
        let path = folder.join(&file);
        let size = fs::metadata(&path).map_err(failed("read", &path))?.len();
        let checksums = self.checksums(folder, &file)?;
        Ok(Piece {
            file,
            size: Some(size),
            checksums,
        })
    }

    fn checksums(&self, folder: &Path, file: &str) -> Result<ChecksumFiles> {
        let mut checksums = ChecksumFiles::default();
        for algorithm in Algorithm::ALL {
            let beside = algorithm.file(file);
            if let Some(text) = self.bytes(&folder.join(&beside), checksum::LONGEST)? {
                let taken = checksums.take(algorithm, &text);
                taken.map_err(|why| found::unreadable(&self.id, &beside, why))?;
            }
        }
        Ok(checksums)
    }

    /// Reads a file and verifies its checksums.
    fn checked(&self, folder: &Path, file: &str, limit: u64) -> Result<Vec<u8>> {
        let Some(bytes) = self.bytes(&folder.join(file), limit)? else {
            return Err(found::unreadable(
                &self.id,
                file,
                "the file is missing".to_owned(),
            ));
        };
        let checksums = self.checksums(folder, file)?;
        found::check(&self.id, file, &checksums, &Actual::of(&bytes))?;
        Ok(bytes)
    }

    /// Reads a file whose checksums are optional, since signatures are stronger. Existing ones must match. None
    /// if the file does not exist.
    pub(super) fn agreed(&self, folder: &Path, file: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.bytes(&folder.join(file), limit)? else {
            return Ok(None);
        };
        let checksums = self.checksums(folder, file)?;
        if !checksums.is_empty() {
            found::check(&self.id, file, &checksums, &Actual::of(&bytes))?;
        }
        Ok(Some(bytes))
    }
}

/// Returns the modification time of a file.
fn changed(path: &Path) -> Option<String> {
    let changed = fs::metadata(path).ok()?.modified().ok()?;
    let seconds = jiff::Timestamp::try_from(changed).ok()?.as_second();
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}
