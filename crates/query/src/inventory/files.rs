//! Reads files, folders and standard input.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use extension_registry_core::diagnostic::Failure;
use extension_registry_yaml::{self as yaml, Position};

use super::log::ReadLog;
use crate::Result;
use crate::finding::Finding;
use extension_registry_core::diagnostic::Note;

/// Start of a file.
const START: Position = Position { line: 1, column: 1 };

/// Paths to read, and how a user gives them.
#[derive(Clone, Copy, Debug)]
pub struct Input<'p> {
    /// Files and folders; `-` is standard input.
    pub paths: &'p [PathBuf],
    /// Flag for the paths, for hints.
    pub flag: &'p str,
    /// Command that reads the paths, for hints: `lint`, `describe NAME`. None if its standard input is reserved
    /// for other files.
    pub command: Option<&'p str>,
}

/// Content of a file.
pub(super) struct Text {
    /// Path of the file, as given.
    pub(super) file: Arc<str>,
    /// Content of the file.
    pub(super) text: String,
}

/// Maximum size of a file in bytes, so that reading endless files, such as `/dev/zero`, stops.
const MAX_BYTES: u64 = 256 << 20;

/// Reads files, and folders recursively, sorted by name. Each file is read once, even if several links point to it.
pub(super) fn read(
    input: &Input<'_>,
    findings: &mut Vec<Finding>,
    log: &mut ReadLog,
) -> Result<Vec<Text>> {
    let mut reader = Reader {
        input,
        findings,
        texts: Vec::new(),
        seen: HashSet::new(),
        skipped: Vec::new(),
    };
    for path in input.paths {
        if path.as_os_str() == "-" {
            let bytes = limited(io::stdin().lock())
                .map_err(|error| Failure::new("failed to read standard input").caused_by(error))?;
            reader.text("-".into(), &bytes);
        } else {
            let metadata = fs::metadata(path).map_err(|error| failed("read", path, error))?;
            if metadata.is_dir() {
                reader.folder(path, &metadata)?;
            } else {
                reader.file(path, &metadata)?;
            }
        }
    }
    let Reader { texts, skipped, .. } = reader;
    if texts.is_empty() && !findings.iter().any(Finding::is_error) {
        return Err(nothing(input.paths, skipped));
    }
    let skipped = skipped.into_iter().filter(|one| !one.is_finding);
    let notes = skipped.map(|one| Note::new(format!("skipped: {}", one.what)).hint(one.hint));
    log.notes.extend(notes);
    Ok(texts)
}

/// Creates the error if nothing was read.
fn nothing(paths: &[PathBuf], skipped: Vec<Skipped>) -> Failure {
    let Some(first) = skipped.first() else {
        return Failure::new(format!("no YAML or JSON files in {}", names(paths)));
    };
    let failure = Failure::new(format!("no objects found: {}", first.what));
    skipped
        .into_iter()
        .fold(failure, |failure, one| failure.hint(one.hint))
}

/// Creates the error of a path.
fn failed(action: &str, path: &Path, error: io::Error) -> Failure {
    Failure::new(format!("failed to {action} {}", path.display())).caused_by(error)
}

/// Formats paths as given.
#[must_use]
pub fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

/// Reads everything, up to [`MAX_BYTES`].
fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let megabytes = MAX_BYTES >> 20;
        return Err(io::Error::other(format!("larger than {megabytes} MiB")));
    }
    Ok(bytes)
}

/// A skipped folder, from which another program builds objects.
struct Skipped {
    what: String,
    hint: String,
    /// Whether it is reported as a finding.
    is_finding: bool,
}

/// Reader of paths, with the files read so far.
struct Reader<'r> {
    input: &'r Input<'r>,
    findings: &'r mut Vec<Finding>,
    texts: Vec<Text>,
    /// Device and inode of files and folders.
    seen: HashSet<(u64, u64)>,
    skipped: Vec<Skipped>,
}

impl Reader<'_> {
    fn is_new(&mut self, metadata: &Metadata) -> bool {
        self.seen.insert((metadata.dev(), metadata.ino()))
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        if metadata.is_file() && !self.is_new(metadata) {
            return Ok(());
        }
        let bytes = File::open(path)
            .and_then(limited)
            .map_err(|error| failed("read", path, error))?;
        self.text(path.display().to_string().into(), &bytes);
        Ok(())
    }

    fn folder(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        if !self.is_new(metadata) {
            return Ok(());
        }
        let mut entries = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|error| failed("list", path, error))
            .map(|entries: Vec<PathBuf>| entries)?;
        entries.sort();
        if self.is_build_input(path, &entries) {
            return Ok(());
        }
        for entry in entries {
            let name = entry.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with('.')) {
                continue;
            }
            // A dangling link is an error only if its name has an extension of objects.
            let metadata = match fs::metadata(&entry) {
                Err(_) if !has_objects(&entry) => continue,
                metadata => metadata.map_err(|error| failed("read", &entry, error))?,
            };
            if metadata.is_dir() {
                self.folder(&entry, &metadata)?;
            } else if has_objects(&entry) && metadata.is_file() {
                self.file(&entry, &metadata)?;
            } else if has_objects(&entry) {
                // Reading a pipe could block forever.
                let file: Arc<str> = entry.display().to_string().into();
                let finding = Finding::warning("no-file", &file, START);
                self.findings.push(finding.message(
                    "skipped: not a regular file",
                    format!("pass it with {} to read it anyway", self.input.flag),
                ));
            }
        }
        Ok(())
    }

    /// Returns whether a folder is the input of another program, such as kustomize, and reports it.
    fn is_build_input(&mut self, path: &Path, entries: &[PathBuf]) -> bool {
        let Input { flag, command, .. } = *self.input;
        let folder = path.display();
        let piped = |make: &str| match command {
            None => format!("pass {flag} <({make} {folder})"),
            Some(command) => format!("run `{make} {folder} | kubectl ext {command} {flag} -`"),
        };
        if let Some(build) = entries.iter().find(|path| is_kustomization(path)) {
            let name: Arc<str> = build.display().to_string().into();
            let hint = piped("kubectl kustomize");
            self.findings
                .push(Finding::warning("kustomization", &name, START).message(
                    "skipped: this directory is built by kustomize",
                    hint.clone(),
                ));
            self.skipped.push(Skipped {
                what: format!("{} is built by kustomize", path.display()),
                hint,
                is_finding: true,
            });
            return true;
        }
        if entries.iter().any(|path| is_chart(path)) {
            self.skipped.push(Skipped {
                what: format!("{} is a Helm chart", path.display()),
                hint: piped("helm template"),
                is_finding: false,
            });
            return true;
        }
        false
    }

    /// Adds a text. Reports a file that is not text, without failing.
    fn text(&mut self, file: Arc<str>, bytes: &[u8]) {
        match yaml::decode(bytes) {
            Ok(text) => {
                let text = text.into_owned();
                self.texts.push(Text { file, text });
            }
            Err(error) => self
                .findings
                .push(Finding::from_diagnostic(&file, "", error)),
        }
    }
}

fn has_objects(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json"))
}

fn is_chart(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Chart.yaml")
}

fn is_kustomization(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(
        name,
        Some("kustomization.yaml" | "kustomization.yml" | "Kustomization")
    )
}
