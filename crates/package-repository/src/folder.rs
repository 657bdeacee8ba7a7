//! A repository in a local folder.
//!
//! ```text
//! <root>/<name>/<version>/…        a version: see `layout`
//! <root>/<name>/maven-metadata.xml
//! <root>/index.json                the index, if one was published
//! ```
//!
//! A version appears, is replaced and disappears atomically. Writers hold an exclusive lock on the hidden file
//! `.lock` in the root; readers share it. Hidden files and folders are ignored, and nothing outside of the root
//! is ever read, even through symbolic links.

mod disk;
mod read;
mod write;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use self::disk::{Disk, failed};
use super::{
    Capabilities, Deleted, Error, IndexFile, Kind, Names, PartialDownload, Release, Repository,
    Result, Upload,
};
use crate::found;
use extension_registry_package_layout::is_word;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_trust::signature::{Format, Signature};

/// Maven group in the POMs of a folder. A folder at `io/fuseml/extensions` of a Maven repository is a part of
/// it.
const GROUP: &str = "io.fuseml.extensions";
/// Settings of a [`Folder`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the configuration.
    pub id: String,
    /// Path of the folder. It is created by the first publish.
    pub root: PathBuf,
}

/// A repository in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    disk: Disk,
}

impl Folder {
    /// Creates a repository in a folder, without accessing it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, PathBuf::new(), GROUP.to_owned(), Kind::Folder)
    }

    /// Creates a Maven repository in a folder, for the packages of one group.
    pub(super) fn maven(settings: Settings, group: &str) -> Self {
        let path = group.split('.').collect();
        Self::with(settings, path, group.to_owned(), Kind::Maven)
    }

    fn with(settings: Settings, group: PathBuf, label: String, kind: Kind) -> Self {
        let Settings { id, root } = settings;
        let disk = Disk {
            id,
            root,
            group,
            label,
            kind,
        };
        Self { disk }
    }

    /// Runs blocking work on a worker thread.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = self.disk.clone();
        let working = tokio::task::spawn_blocking(move || work(&disk));
        working
            .await
            .map_err(|error| found::stopped(&self.disk.id, &error))?
    }
}

#[async_trait]
impl Repository for Folder {
    fn id(&self) -> &str {
        &self.disk.id
    }

    fn kind(&self) -> Kind {
        self.disk.kind
    }

    fn place(&self) -> String {
        self.disk.root.display().to_string()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.work(|disk| disk.real_root().map(drop)).await?;
        Ok(Capabilities {
            list: true,
            publish: true,
            delete: true,
            resume: true,
            ..Capabilities::default()
        })
    }

    /// Reads directory entries only: one folder for all packages, one for each package and each version.
    async fn names(&self, _text: Option<&str>) -> Result<Names> {
        self.work(Disk::names).await
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        let name = name.to_owned();
        self.work(move |disk| disk.versions(&name)).await
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        let (name, version) = (name.to_owned(), version.clone());
        self.work(move |disk| {
            let _shared = disk.share();
            disk.release(&name, &version)
        })
        .await
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        let release = release.clone();
        self.work(move |disk| disk.document(&release)).await
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        let (name, version) = (release.name.clone(), release.version.clone());
        self.work(move |disk| disk.signatures(&name, &version))
            .await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        let (name, version) = (release.name.clone(), release.version.clone());
        let blob = release.content.clone();
        let (file, path, checksums, size) = self
            .work(move |disk| disk.content(&name, &version, &blob))
            .await?;
        let shown = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut file = tokio::fs::File::from_std(file);
        if download_file.written() > size {
            download_file
                .restart()
                .map_err(|error| wrote(download_file, error))?;
        }
        let continued = download_file.written() > 0;
        copy(&mut file, &path, size, download_file).await?;
        let wanted = release.content.digest;
        let id = &self.disk.id;
        match found::check_content(id, &shown, &checksums, wanted, download_file).await {
            // The partial download may be of other content.
            Err(Error::Broken { .. }) if continued => {
                download_file
                    .restart()
                    .map_err(|error| wrote(download_file, error))?;
                copy(&mut file, &path, size, download_file).await?;
                found::check_content(id, &shown, &checksums, wanted, download_file).await
            }
            outcome => outcome,
        }
    }

    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        if !is_word(&upload.name) {
            return Err(found::unusable(&self.disk.id, &upload.name));
        }
        let (name, version) = (upload.name.clone(), upload.version.clone());
        let stage = self
            .work(move |disk| disk.stage(&name, &version, force))
            .await?;
        write::copy_content(&stage, upload, progress).await?;
        let upload = upload.clone();
        self.work(move |disk| disk.publish(&stage, &upload, force))
            .await
    }

    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()> {
        if signature.format != Format::Minisign {
            return Err(found::only_minisign(&self.disk.id));
        }
        let (name, version) = (release.name.clone(), release.version.clone());
        let signature = signature.clone();
        self.work(move |disk| disk.sign(&name, &version, &signature))
            .await
    }

    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        let (name, version) = (name.to_owned(), version.clone());
        self.work(move |disk| disk.delete(&name, &version)).await
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        self.work(Disk::index).await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        let index = index.clone();
        self.work(move |disk| disk.put_index(&index)).await
    }
}

/// Copies the bytes that a partial download still lacks.
async fn copy(
    file: &mut tokio::fs::File,
    path: &Path,
    size: u64,
    download_file: &mut PartialDownload<'_>,
) -> Result<()> {
    let read = failed("read", path);
    download_file.expect(Some(size));
    let from = std::io::SeekFrom::Start(download_file.written());
    file.seek(from).await.map_err(read)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).await.map_err(read)?;
        if count == 0 {
            return Ok(());
        }
        download_file
            .write(&buffer[..count])
            .map_err(|error| wrote(download_file, error))?;
    }
}

fn wrote(download_file: &PartialDownload<'_>, error: std::io::Error) -> Error {
    failed("write", download_file.path())(error)
}
