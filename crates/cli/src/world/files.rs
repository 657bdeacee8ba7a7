//! Texts from files, folders and standard input.

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
use crate::output;
use crate::world::base::BASE;

/// Where a file begins.
const START: Position = Position { line: 1, column: 1 };

/// A file and what it holds.
pub(super) struct Text {
    /// Its name, as it was typed.
    pub(super) file: Arc<str>,
    /// What it holds.
    pub(super) text: String,
}

/// More than any list of objects has, in bytes: what goes on for ever, as `/dev/zero` does, has an end.
const MOST: u64 = 256 << 20;

/// Reads files, and folders with all below them, in the order of their names. Each is read once,
/// whatever links lead to it. The flag is the one that named them, for hints.
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
        left_out: Vec::new(),
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
    let Reader {
        texts, left_out, ..
    } = reader;
    let is_wrong = |finding: &Finding| finding.level == Level::Error;
    if texts.is_empty() && !findings.iter().any(is_wrong) {
        bail!("{}", nothing(paths, &left_out));
    }
    for LeftOut { what, hint, .. } in left_out.iter().filter(|one| !one.is_finding) {
        output::say(&format!("note: {what}, and was left out; {hint}"))?;
    }
    Ok(texts)
}

/// Why there is nothing, and where it may be.
fn nothing(paths: &[PathBuf], left_out: &[LeftOut]) -> String {
    let Some(first) = left_out.first() else {
        return format!("no YAML or JSON file in {}", names(paths));
    };
    let hints = left_out.iter().map(|one| format!("; hint: {}", one.hint));
    let hints = hints.collect::<String>();
    format!("nothing to read: {}{hints}", first.what)
}

/// Paths as they were typed.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

/// All that somebody has to say, up to [`MOST`].
fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        let megabytes = MOST >> 20;
        return Err(io::Error::other(format!("more than {megabytes} MiB")));
    }
    Ok(bytes)
}

/// A folder that another program makes objects of.
struct LeftOut {
    what: String,
    hint: String,
    /// Whether it was said already.
    is_finding: bool,
}

/// Reads, and remembers what it came by.
struct Reader<'r> {
    flag: &'r str,
    findings: &'r mut Vec<Finding>,
    texts: Vec<Text>,
    /// Device and inode of files and folders.
    seen: HashSet<(u64, u64)>,
    left_out: Vec<LeftOut>,
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
        if self.is_material(path, &entries) {
            return Ok(());
        }
        for entry in entries {
            let name = entry.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with('.')) {
                continue;
            }
            // A link that leads nowhere is of interest only where it is said to be objects.
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
                // A pipe that nobody writes to would be waited for without end.
                let file: Arc<str> = entry.display().to_string().into();
                let finding = Finding::warning("no-file", &file, START);
                self.findings.push(finding.says(
                    "is no file, so it was left out",
                    format!("name it with {}, and it is read all the same", self.flag),
                ));
            }
        }
        Ok(())
    }

    /// Whether a folder is material for another program, and may hold no object yet. That is said.
    fn is_material(&mut self, path: &Path, entries: &[PathBuf]) -> bool {
        let piped = |make: &str| match self.flag {
            // Standard input is for what is looked at.
            BASE => format!("{BASE} <({make} {})", path.display()),
            flag => {
                let verb = match args::verb_typed() {
                    verb if verb == "describe" => "describe NAME".to_owned(),
                    verb if verb == "explain" => "explain WORKFLOW".to_owned(),
                    verb => verb,
                };
                format!("{make} {} | kubectl ext {verb} {flag} -", path.display())
            }
        };
        if let Some(build) = entries.iter().find(|path| is_kustomization(path)) {
            let name: Arc<str> = build.display().to_string().into();
            let hint = piped("kubectl kustomize");
            self.findings
                .push(Finding::warning("kustomization", &name, START).says(
                    "this folder is built by kustomize and was left out",
                    hint.clone(),
                ));
            self.left_out.push(LeftOut {
                what: format!("{} is built by kustomize", path.display()),
                hint,
                is_finding: true,
            });
            return true;
        }
        if entries.iter().any(|path| is_chart(path)) {
            self.left_out.push(LeftOut {
                what: format!("{} is a Helm chart", path.display()),
                hint: piped("helm template"),
                is_finding: false,
            });
            return true;
        }
        false
    }

    /// Where it is no text, that is said, and others are read.
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
            .push(Finding::error("syntax", &file, at).says("no text (UTF-8)", ""));
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
