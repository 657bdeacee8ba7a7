//! Reads files, folders and standard input.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use extension_registry_yaml::Position;

use crate::args;
use crate::finding::{Finding, Level};
use crate::inventory::base::BASE;
use crate::output;

/// Start of a file.
const START: Position = Position { line: 1, column: 1 };

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
/// `flag` is the flag for the paths, for hints.
pub(super) fn read(
    paths: &[PathBuf],
    flag: &str,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Text>> {
    let mut reader = Reader {
        flag,
        findings,
        texts: Vec::new(),
        seen: HashSet::new(),
        skipped: Vec::new(),
    };
    for path in paths {
        if path.as_os_str() == "-" {
            let bytes = limited(io::stdin().lock()).context("failed to read standard input")?;
            reader.text("-".into(), bytes);
        } else {
            let metadata = fs::metadata(path);
            let metadata =
                metadata.with_context(|| format!("failed to read {}", path.display()))?;
            if metadata.is_dir() {
                reader.folder(path, &metadata)?;
            } else {
                reader.file(path, &metadata)?;
            }
        }
    }
    let Reader { texts, skipped, .. } = reader;
    let is_wrong = |finding: &Finding| finding.level == Level::Error;
    if texts.is_empty() && !findings.iter().any(is_wrong) {
        bail!("{}", nothing(paths, &skipped));
    }
    for Skipped { what, hint, .. } in skipped.iter().filter(|one| !one.is_finding) {
        output::note(&format!("skipped: {what}; hint: {hint}"))?;
    }
    Ok(texts)
}

/// Formats the error if nothing was read.
fn nothing(paths: &[PathBuf], skipped: &[Skipped]) -> String {
    let Some(first) = skipped.first() else {
        return format!("no YAML or JSON files in {}", names(paths));
    };
    let hints = skipped.iter().map(|one| format!("; hint: {}", one.hint));
    let hints = hints.collect::<String>();
    format!("no objects found: {}{hints}", first.what)
}

/// Formats paths as given.
pub(crate) fn names(paths: &[PathBuf]) -> String {
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
    flag: &'r str,
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
            .with_context(|| format!("failed to read {}", path.display()))?;
        self.text(path.display().to_string().into(), bytes);
        Ok(())
    }

    fn folder(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        if !self.is_new(metadata) {
            return Ok(());
        }
        let failed = || format!("failed to list {}", path.display());
        let mut entries = fs::read_dir(path)
            .with_context(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()
            .with_context(failed)?;
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
                metadata => {
                    metadata.with_context(|| format!("failed to read {}", entry.display()))?
                }
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
                    format!("pass it with {} to read it anyway", self.flag),
                ));
            }
        }
        Ok(())
    }

    /// Returns whether a folder is the input of another program, such as kustomize, and reports it.
    fn is_build_input(&mut self, path: &Path, entries: &[PathBuf]) -> bool {
        let piped = |make: &str| match self.flag {
            // Standard input is reserved for the files of `-f`.
            BASE => format!("pass {BASE} <({make} {})", path.display()),
            flag => {
                let verb = match args::verb_typed() {
                    verb if verb == "describe" => "describe NAME".to_owned(),
                    verb if verb == "explain" => "explain WORKFLOW".to_owned(),
                    verb => verb,
                };
                format!(
                    "run `{make} {} | kubectl ext {verb} {flag} -`",
                    path.display()
                )
            }
        };
        if let Some(build) = entries.iter().find(|path| is_kustomization(path)) {
            let name: Arc<str> = build.display().to_string().into();
            let hint = piped("kubectl kustomize");
            self.findings.push(
                Finding::warning("kustomization", &name, START)
                    .message("skipped: this folder is built by kustomize", hint.clone()),
            );
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

    /// Adds a text. Reports a file that is not UTF-8, without failing.
    fn text(&mut self, file: Arc<str>, bytes: Vec<u8>) {
        let error = match String::from_utf8(bytes) {
            Ok(text) => return self.texts.push(Text { file, text }),
            Err(error) => error,
        };
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let lines: Vec<&[u8]> = sound.split(|byte| *byte == b'\n').collect();
        let last = lines.last().copied().unwrap_or_default();
        let at = Position {
            line: lines.len(),
            column: String::from_utf8_lossy(last).chars().count() + 1,
        };
        self.findings
            .push(Finding::error("syntax", &file, at).message("not valid UTF-8", ""));
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
