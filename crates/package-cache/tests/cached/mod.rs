//! A cache in a temporary folder, and entries to store in it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{self};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use extension_registry_package_cache::cache::{Cache, CacheError, Content, Entry, Item, Selector};
use extension_registry_package_format::Limits;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::upload::Document;
use extension_registry_package_trust::signature::Signature;
use flate2::Compression;
use flate2::write::GzEncoder;
use semver::Version;
use tar::{Builder, Header};
use tempfile::TempDir;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A cache, and a place for what comes into it.
pub(crate) struct Shelf {
    pub(crate) folder: TempDir,
    pub(crate) cache: Cache,
    pub(crate) count: Cell<usize>,
}

/// What a test says of a version; the rest is the same for all.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) content: Vec<u8>,
    pub(crate) file: String,
    pub(crate) configuration: Vec<u8>,
    pub(crate) document: Option<Document>,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) trusted_by: Vec<String>,
    pub(crate) unpack: Option<Limits>,
    pub(crate) replace: bool,
}

pub(crate) fn draft(name: &str, version: &str) -> Draft {
    Draft {
        kind: Kind::Record,
        name: name.to_owned(),
        version: version.parse().unwrap(),
        content: bundle(&format!("{name} {version}")),
        file: format!("{name}-{version}.tar.gz"),
        configuration: format!("{{\"name\":\"{name} {version}\"}}").into_bytes(),
        document: None,
        signatures: Vec::new(),
        trusted_by: vec!["release".to_owned()],
        unpack: None,
        replace: false,
    }
}

/// An archive with a manifest that says this.
pub(crate) fn bundle(text: &str) -> Vec<u8> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "extension.yaml", text.as_bytes())
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let cache = Cache::open(folder.path().join("cache"));
        Self {
            folder,
            cache,
            count: Cell::new(0),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.cache.root().join(path)
    }

    pub(crate) fn incoming(&self, bytes: &[u8]) -> PathBuf {
        self.count.set(self.count.get() + 1);
        let path = self.folder.path().join(format!("in-{}", self.count.get()));
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn try_store(&self, draft: &Draft) -> Result<Entry, CacheError> {
        store_from(&self.cache, draft, &self.incoming(&draft.content))
    }

    pub(crate) fn store(&self, draft: &Draft) -> Entry {
        self.try_store(draft).unwrap()
    }

    pub(crate) fn put(&self, name: &str, version: &str) -> Entry {
        self.store(&draft(name, version))
    }

    pub(crate) fn get(&self, name: &str, version: &str) -> Result<Option<Entry>, CacheError> {
        let version = version.parse().unwrap();
        self.cache.get(&Kind::Record, name, &version)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let listing = self.cache.list();
        let name =
            |entry: &Entry| format!("{} {} {}", entry.kind.name(), entry.name, entry.version);
        listing.entries.iter().map(name).collect()
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        let listing = self.cache.list();
        let root = format!("{}/", self.cache.root().display());
        let fault = |fault: &extension_registry_package_cache::cache::Fault| {
            fault.to_string().replace(&root, "")
        };
        listing.faults.iter().map(fault).collect()
    }

    pub(crate) fn blobs(&self) -> usize {
        fs::read_dir(self.path("blobs/sha256")).unwrap().count()
    }
}

pub(crate) fn store_from(cache: &Cache, draft: &Draft, path: &Path) -> Result<Entry, CacheError> {
    cache.store(&Item {
        kind: &draft.kind,
        name: &draft.name,
        version: &draft.version,
        repository: "main",
        locator: "packages/somewhere",
        manifest: None,
        is_foreign: false,
        configuration: &draft.configuration,
        content: Content {
            path,
            file: &draft.file,
            digest: None,
        },
        document: draft.document.as_ref(),
        signatures: &draft.signatures,
        trusted_by: &draft.trusted_by,
        published: Some("2026-01-01T00:00:00Z"),
        unpack: draft.unpack,
        replace: draft.replace,
    })
}

/// All paths below a folder, folders with a slash behind them.
pub(crate) fn tree(folder: &Path) -> BTreeSet<String> {
    pub(crate) fn walk(root: &Path, folder: &Path, paths: &mut BTreeSet<String>) {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            let text = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() && !path.is_symlink() {
                paths.insert(format!("{text}/"));
                walk(root, &path, paths);
            } else {
                paths.insert(text);
            }
        }
    }
    let mut paths = BTreeSet::new();
    walk(folder, folder, &mut paths);
    paths
}

pub(crate) fn ago(age: Duration) -> SystemTime {
    SystemTime::now() - age
}

pub(crate) fn named(name: &str) -> Selector {
    Selector::Only {
        kind: None,
        name: Some(name.to_owned()),
        version: None,
    }
}

pub(crate) fn du(folder: &Path) -> u64 {
    let out = Command::new("du")
        .args(["-s", "--block-size=1"])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}
