//! Medians of the last run of the resolver benchmark.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use extension_registry_e2e::setup::repository;
use serde_json::Value;

use crate::report::Report;

/// Adds the results of criterion to the report, if present.
pub(crate) fn read(report: &mut Report) -> Result<()> {
    let folder = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository("target"), PathBuf::from)
        .join("criterion");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    for file in files {
        let value: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        let name = file
            .parent()
            .and_then(Path::parent)
            .and_then(|path| path.strip_prefix(&folder).ok());
        if let (Some(name), Some(nanoseconds)) = (name, value["median"]["point_estimate"].as_f64())
        {
            report.note(
                &format!("resolver: {}", name.display()),
                nanoseconds / 1000.0,
                "µs",
            );
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.ends_with("new/estimates.json") {
            files.push(path);
        }
    }
}
