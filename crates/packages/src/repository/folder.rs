//! A repository in a folder of this machine.
//!
//! ```text
//! <root>/<name>/<version>/…        a version: see `layout`
//! <root>/<name>/maven-metadata.xml
//! <root>/index.json                an index, where somebody put one there
//! ```
//!
//! A version appears, is replaced and goes in one step. Who writes holds a lock, the hidden file `.lock` in the root;
//! who reads shares it. Hidden files and folders are no packages, and nothing outside of the root is ever read, also
//! where a link leads there.

mod disk;
mod read;
mod write;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use self::disk::{Disk, failed};
use super::layout::{found, is_word};
use super::{
    Capabilities, Deleted, Error, IndexFile, Kind, Names, Release, Repository, Result, Sink, Upload,
};
use crate::progress::Progress;
use crate::signature::{Format, Signature};

/// The group that the POMs of a folder name. A folder that lies at `io/fuseml/extensions` of a Maven repository is a
/// part of it.
const GROUP: &str = "io.fuseml.extensions";
/// Which folder.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the configuration.
    pub id: String,
    /// Where it is. It is made when something is published.
    pub root: PathBuf,
}

/// A repository in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    disk: Disk,
}

impl Folder {
    /// A repository in this folder. Nothing is looked at yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, PathBuf::new(), GROUP.to_owned(), Kind::Folder)
    }

    /// A Maven repository in a folder: its packages are those of a group.
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

    /// Work that blocks, where it disturbs nobody.
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

    /// Reads names of folders and files, never a file: one folder for all, one for each package and each version.
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

    async fn fetch(&self, release: &Release, sink: &mut Sink<'_>) -> Result<()> {
        let (name, version) = (release.name.clone(), release.version.clone());
        let blob = release.content.clone();
        let (file, path, said, size) = self
            .work(move |disk| disk.content(&name, &version, &blob))
            .await?;
        let shown = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut file = tokio::fs::File::from_std(file);
        if sink.written() > size {
            sink.restart().map_err(|error| wrote(sink, error))?;
        }
        let continued = sink.written() > 0;
        copy(&mut file, &path, size, sink).await?;
        let wanted = release.content.digest;
        let id = &self.disk.id;
        match found::check_content(id, &shown, &said, wanted, sink).await {
            // What was there before may have been of something else.
            Err(Error::Broken { .. }) if continued => {
                sink.restart().map_err(|error| wrote(sink, error))?;
                copy(&mut file, &path, size, sink).await?;
                found::check_content(id, &shown, &said, wanted, sink).await
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

/// Copies what a sink has not got yet.
async fn copy(
    file: &mut tokio::fs::File,
    path: &Path,
    size: u64,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let read = failed("read", path);
    sink.expect(Some(size));
    let from = std::io::SeekFrom::Start(sink.written());
    file.seek(from).await.map_err(read)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).await.map_err(read)?;
        if count == 0 {
            return Ok(());
        }
        sink.write(&buffer[..count])
            .map_err(|error| wrote(sink, error))?;
    }
}

fn wrote(sink: &Sink<'_>, error: std::io::Error) -> Error {
    failed("write", sink.path())(error)
}
