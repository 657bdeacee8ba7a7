//! Writes to the folder: everything is prepared in a staging folder and moved into place under the lock.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use extension_registry_package_format::atomic::{self, Purpose};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::disk::{Disk, failed};
use crate::found;
use crate::{Deleted, Error, IndexFile, Release, Result, Upload};
use extension_registry_package_layout as layout;
use extension_registry_package_layout::checksum::Actual;
use extension_registry_package_layout::{Files, INDEX, ending, metadata, pom};
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_trust::signature::Signature;

/// Name of a replaced version in the staging folder.
const OLD: &str = "old";

/// A hidden staging folder. It is removed on drop.
#[derive(Debug)]
pub(super) struct Stage {
    staging: TempDir,
    /// The folder that becomes the version.
    inner: PathBuf,
}

/// Copies the content of an upload and verifies its digest.
pub(super) async fn copy_content(
    stage: &Stage,
    upload: &Upload,
    progress: &dyn Progress,
) -> Result<()> {
    let read = failed("read", &upload.content);
    let files = Files::of(&upload.name, &upload.version);
    let target = stage
        .inner
        .join(files.content(ending(&upload.manifest.packaging)));
    let wrote = failed("write", &target);
    let mut source = tokio::fs::File::open(&upload.content).await.map_err(read)?;
    let mut copy = tokio::fs::File::create(&target).await.map_err(wrote)?;
    progress.begin(0, Some(upload.size));
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = source.read(&mut buffer).await.map_err(read)?;
        if count == 0 {
            break;
        }
        copy.write_all(&buffer[..count]).await.map_err(wrote)?;
        progress.advance(count as u64);
    }
    copy.flush().await.map_err(wrote)
}

impl Disk {
    /// Creates the staging folder of a new version; fails early if the version exists.
    pub(super) fn stage(
        &self,
        name: &str,
        version: &semver::Version,
        force: bool,
    ) -> Result<Stage> {
        fs::create_dir_all(&self.root).map_err(failed("write", &self.root))?;
        if !force {
            let _shared = self.share();
            self.vacant(name, version)?;
        }
        let staging = tempfile::Builder::new()
            .prefix(".staging-")
            .tempdir_in(&self.root);
        let staging = staging.map_err(failed("write", &self.root))?;
        // The staging folder is private; the version in it must be readable like the repository.
        let inner = staging.path().join("version");
        fs::create_dir(&inner).map_err(failed("write", &inner))?;
        Ok(Stage { staging, inner })
    }

    fn vacant(&self, name: &str, version: &semver::Version) -> Result<()> {
        let path = self.version(name, version);
        if self.files(&path)?.is_empty() && self.folders(&path)?.is_empty() {
            return Ok(());
        }
        Err(Error::Exists {
            repository: self.id.clone(),
            name: name.to_owned(),
            version: version.clone(),
        })
    }

    /// Moves a staged version into place.
    pub(super) fn publish(&self, stage: &Stage, upload: &Upload, force: bool) -> Result<Release> {
        let Upload {
            name,
            version,
            manifest,
            ..
        } = upload;
        let (inner, files) = (&stage.inner, Files::of(name, version));
        let content = files.content(ending(&manifest.packaging));
        let path = inner.join(&content);
        let actual = Actual::of_file(&path);
        let actual = actual.map_err(failed("read", &path))?;
        found::check_upload(&self.id, upload, &actual)?;
        write_sums(inner, &content, &actual)?;
        write(inner, &files.configuration(), &upload.configuration)?;
        write(inner, &files.pom(), &pom::write(&self.label, manifest))?;
        if let Some(document) = &upload.document {
            write(inner, &files.document(document.format), &document.bytes)?;
        }

        let _locked = self.lock()?;
        let (package, target) = (self.package(name), self.version(name, version));
        self.is_inside(&package)?;
        fs::create_dir_all(&package).map_err(failed("write", &package))?;
        if force {
            self.take_away(&target, stage.staging.path())?;
        } else {
            self.vacant(name, version)?;
        }
        if let Err(error) = fs::rename(inner, &target) {
            // Restore the previous version.
            let _ = fs::rename(stage.staging.path().join(OLD), &target);
            return Err(failed("write", &target)(error));
        }
        self.write_metadata(name)?;
        self.release(name, version)
    }

    pub(super) fn sign(
        &self,
        name: &str,
        version: &semver::Version,
        signature: &Signature,
    ) -> Result<()> {
        let _locked = self.lock_existing(name, version)?;
        let (path, files) = (self.version(name, version), Files::of(name, version));
        let statement = files.statement();
        match self.bytes(&path.join(&statement), layout::SIGNATURE)? {
            Some(there) if there == signature.payload => {}
            Some(_) => return Err(found::other_statement(&self.id, &statement)),
            None => write(&path, &statement, &signature.payload)?,
        }
        let there = self.signatures_of(&path, &statement, &signature.payload)?;
        if there.contains(signature) {
            return Ok(());
        }
        let numbers = layout::signature_numbers(&statement, &self.files(&path)?);
        let number = numbers.last().map_or(1, |last| last + 1);
        write(&path, &files.signature(number), &signature.signature)
    }

    pub(super) fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        let _locked = self.lock_existing(name, version)?;
        let (path, files) = (self.version(name, version), Files::of(name, version));
        let count = layout::signature_numbers(&files.statement(), &self.files(&path)?).len();
        let away = tempfile::Builder::new()
            .prefix(".deleted-")
            .tempdir_in(&self.root);
        let away = away.map_err(failed("write", &self.root))?;
        self.take_away(&path, away.path())?;
        self.write_metadata(name)?;
        let mut gone = vec![format!("version {version} of {name}")];
        if count > 0 {
            gone.push(format!("its signatures: {count}"));
        }
        Ok(Deleted {
            gone,
            left: Vec::new(),
        })
    }

    pub(super) fn put_index(&self, index: &IndexFile) -> Result<()> {
        fs::create_dir_all(&self.root).map_err(failed("write", &self.root))?;
        if index
            .signatures
            .iter()
            .any(|one| one.format != extension_registry_package_trust::signature::Format::Minisign)
        {
            return Err(found::only_minisign(&self.id));
        }
        let _locked = self.lock()?;
        for number in layout::signature_numbers(INDEX, &self.files(&self.root)?) {
            remove(&self.root, &layout::signature(INDEX, number))?;
        }
        write(&self.root, INDEX, &index.bytes)?;
        for (signature, number) in index.signatures.iter().zip(1..) {
            write(
                &self.root,
                &layout::signature(INDEX, number),
                &signature.signature,
            )?;
        }
        Ok(())
    }

    /// Takes the lock if the version exists.
    fn lock_existing(&self, name: &str, version: &semver::Version) -> Result<fs::File> {
        self.real_root()?;
        let absent = || found::absent(&self.id, name, version);
        if !layout::is_word(name) || !self.version(name, version).is_dir() {
            return Err(absent());
        }
        let locked = self.lock()?;
        if self.files(&self.version(name, version))?.is_empty() {
            return Err(absent());
        }
        Ok(locked)
    }

    /// Moves an existing version out of the way.
    fn take_away(&self, path: &Path, away: &Path) -> Result<()> {
        self.is_inside(path)?;
        match fs::rename(path, away.join(OLD)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("write", path)(error)),
            _ => Ok(()),
        }
    }

    /// Rewrites `maven-metadata.xml` of a package from its folders. Without versions, the package is removed.
    fn write_metadata(&self, name: &str) -> Result<()> {
        let package = self.package(name);
        let mut versions = self.folders(&package)?;
        versions.retain(|version| {
            let list = self.files(&package.join(version));
            list.is_ok_and(|list| !list.is_empty())
        });
        if versions.is_empty() {
            remove(&package, metadata::FILE)?;
            // Unrelated files keep the folder.
            let _ = fs::remove_dir(&package);
            return Ok(());
        }
        let now = jiff::Timestamp::now();
        let text = metadata::write(&self.label, name, &versions, now);
        write(&package, metadata::FILE, &text)
    }

    /// Returns whether a path, which may not exist yet, would be below the root, resolving links.
    fn is_inside(&self, path: &Path) -> Result<()> {
        for ancestor in path.ancestors() {
            if self.real(ancestor)?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Writes a file and its checksums. Readers see the old or the new one.
fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<()> {
    replace(folder, file, bytes)?;
    write_sums(folder, file, &Actual::of(bytes))
}

fn write_sums(folder: &Path, file: &str, actual: &Actual) -> Result<()> {
    for (beside, digits) in actual.files(file) {
        replace(folder, &beside, &digits)?;
    }
    Ok(())
}

fn replace(folder: &Path, file: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(file);
    atomic::write_bytes(&path, Purpose::Document, bytes).map_err(failed("write", &path))
}

fn remove(folder: &Path, file: &str) -> Result<()> {
    let beside =
        ["", ".md5", ".sha1", ".sha256"].map(|ending| folder.join(format!("{file}{ending}")));
    for path in beside {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("write", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
