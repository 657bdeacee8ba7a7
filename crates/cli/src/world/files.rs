//! Texts from files, folders and standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use extension_registry_yaml::Position;

use crate::finding::{Finding, Level};

/// A file and what it holds.
pub(super) struct Text {
    /// Its name, as it was typed.
    pub(super) file: Arc<str>,
    /// What it holds.
    pub(super) text: String,
}

/// Reads files, and folders with all below them, in the order of their names.
pub(super) fn read(paths: &[PathBuf], findings: &mut Vec<Finding>) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .context("failed to read standard input")?;
            texts.extend(text("-".into(), bytes, findings));
        } else if path.is_dir() {
            folder(path, &mut texts, findings)?;
        } else {
            texts.extend(file(path, findings)?);
        }
    }
    let is_wrong = |finding: &Finding| finding.level == Level::Error;
    if texts.is_empty() && !findings.iter().any(is_wrong) {
        let names: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let left_out = findings.first().map(|finding| &finding.hint);
        let hint = left_out.map_or_else(String::new, |hint| format!("; hint: {hint}"));
        bail!("no YAML or JSON file in {}{hint}", names.join(", "));
    }
    Ok(texts)
}

fn file(path: &Path, findings: &mut Vec<Finding>) -> Result<Option<Text>> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(text(path.display().to_string().into(), bytes, findings))
}

/// None, where it is no text: that is said, and others are read.
fn text(file: Arc<str>, bytes: Vec<u8>, findings: &mut Vec<Finding>) -> Option<Text> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Some(Text { file, text }),
        Err(error) => error,
    };
    let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let lines: Vec<&[u8]> = sound.split(|byte| *byte == b'\n').collect();
    let last = lines.last().copied().unwrap_or_default();
    let at = Position {
        line: lines.len(),
        column: String::from_utf8_lossy(last).chars().count() + 1,
    };
    findings.push(Finding::error("syntax", &file, at).says("no text (UTF-8)", ""));
    None
}

fn folder(path: &Path, texts: &mut Vec<Text>, findings: &mut Vec<Finding>) -> Result<()> {
    let entries =
        fs::read_dir(path).with_context(|| format!("failed to list {}", path.display()))?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .with_context(|| format!("failed to list {}", path.display()))?;
    entries.sort();
    // What stands there is material for kustomize, and may be no object yet.
    if let Some(build) = entries.iter().find(|path| is_kustomization(path)) {
        let name: Arc<str> = build.display().to_string().into();
        let at = Position { line: 1, column: 1 };
        findings.push(Finding::warning("kustomization", &name, at).says(
            "this folder is built by kustomize and was left out",
            format!(
                "kubectl kustomize {} | kubectl ext lint -f -",
                path.display()
            ),
        ));
        return Ok(());
    }
    for entry in entries {
        let is_hidden = entry
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with('.'));
        if is_hidden {
            continue;
        }
        if entry.is_dir() {
            folder(&entry, texts, findings)?;
        } else if has_objects(&entry) {
            texts.extend(file(&entry, findings)?);
        }
    }
    Ok(())
}

fn has_objects(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json"))
}

fn is_kustomization(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(
        name,
        Some("kustomization.yaml" | "kustomization.yml" | "Kustomization")
    )
}
