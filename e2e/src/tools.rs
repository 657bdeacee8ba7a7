//! Programs of a cluster, from the machine or built from their Go modules.
//!
//! Lookup order: `KUBEBUILDER_ASSETS`, `PATH` if the version matches, the cache, a build into the cache.

mod build;
mod module;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub(crate) use module::Tool;

use crate::process::on_path;

/// Paths of the requested programs.
#[derive(Clone, Debug)]
pub(crate) struct Tools(BTreeMap<Tool, PathBuf>);

impl Tools {
    /// Finds the programs, and builds missing ones. Blocks, for minutes during a build.
    pub(crate) fn find(tools: &[Tool]) -> Result<Self> {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        for &tool in tools {
            match from_assets(tool).or_else(|| from_path(tool)) {
                Some(path) => drop(found.insert(tool, path)),
                None => missing.push(tool),
            }
        }
        found.extend(build::cached_or_built(&missing)?);
        Ok(Self(found))
    }

    /// Returns the path of a requested program.
    pub(crate) fn path(&self, tool: Tool) -> Result<&Path> {
        self.0
            .get(&tool)
            .map(PathBuf::as_path)
            .with_context(|| format!("{} was not requested", tool.program()))
    }
}

/// Finds a program in the folder of assets. It is configured explicitly, so versions are not checked.
fn from_assets(tool: Tool) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join(tool.program());
    path.is_file().then_some(path)
}

/// Finds a program on the path, if its minor version matches: the components of a cluster must be compatible.
fn from_path(tool: Tool) -> Option<PathBuf> {
    let path = on_path(tool.program())?;
    let output = Command::new(&path)
        .args(tool.version_arguments())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.contains(&tool.module().minor_version())
        .then_some(path)
}

/// Returns whether a program is available without a build.
pub(crate) fn is_built(tool: Tool) -> bool {
    from_assets(tool).or_else(|| from_path(tool)).is_some() || build::is_cached(tool)
}
