//! Files, which are read again after a change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use extension_registry_core::diagnostic::Failure;
use extension_registry_query::inventory::names;
use extension_registry_query::{Input, Inventory, ReadLog, Settings};
use tokio::sync::Mutex;

use crate::snapshot::Snapshot;

/// Time in which changes are not looked for.
const UNCHECKED: Duration = Duration::from_secs(1);

/// Maximum depth of folders in which changes are looked for.
const DEPTH: usize = 32;

/// Files and folders.
pub struct FileSource {
    paths: Vec<PathBuf>,
    settings: Settings,
    cached: Mutex<Option<Cached>>,
}

/// Objects, and the files from which they were read.
struct Cached {
    snapshot: Arc<Snapshot>,
    files: Fingerprint,
    checked: Instant,
}

/// Size and time of modification of each file.
type Fingerprint = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

impl FileSource {
    /// Creates a source of files; folders are read recursively. Standard input (`-`) is read once.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, settings: Settings) -> Self {
        Self {
            paths,
            settings,
            cached: Mutex::new(None),
        }
    }

    pub(super) fn describe(&self) -> String {
        names(&self.paths)
    }

    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>, Failure> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = &mut *cached {
            if cached.checked.elapsed() < UNCHECKED || self.is_standard_input() {
                return Ok(Arc::clone(&cached.snapshot));
            }
            let paths = self.paths.clone();
            let files = blocking(move || Ok(fingerprint(&paths))).await?;
            if files == cached.files {
                cached.checked = Instant::now();
                return Ok(Arc::clone(&cached.snapshot));
            }
        }
        let (paths, settings) = (self.paths.clone(), self.settings.clone());
        let (files, snapshot) = blocking(move || {
            // Before reading, so that a change meanwhile is noticed.
            let files = fingerprint(&paths);
            let mut log = ReadLog::default();
            let input = Input {
                paths: &paths,
                flag: "-f",
                command: Some("ui"),
            };
            let inventory = Inventory::from_files(&input, settings, &mut log)?;
            Ok((files, Arc::new(Snapshot::new(inventory, log))))
        })
        .await?;
        *cached = Some(Cached {
            snapshot: Arc::clone(&snapshot),
            files,
            checked: Instant::now(),
        });
        Ok(snapshot)
    }

    fn is_standard_input(&self) -> bool {
        self.paths.iter().any(|path| path.as_os_str() == "-")
    }
}

/// Runs work that blocks on another thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::new("failed to read the files").caused_by(error)),
    }
}

fn fingerprint(paths: &[PathBuf]) -> Fingerprint {
    let mut files = Fingerprint::new();
    for path in paths {
        add(&mut files, path, DEPTH);
    }
    files
}

/// Adds a file, or the files of a folder. Files that cannot be read are reported when their objects are read.
fn add(files: &mut Fingerprint, path: &Path, depth: usize) {
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    if metadata.is_dir() && depth > 0 {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries {
            add(files, &entry.path(), depth - 1);
        }
    }
    let state = (metadata.len(), metadata.modified().ok());
    files.insert(path.to_owned(), state);
}
