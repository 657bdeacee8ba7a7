//! The programs of a cluster: found on the machine, or built from their Go modules.
//!
//! The order is: `KUBEBUILDER_ASSETS`, then `PATH` where the version fits, then the cache, then a build into the cache.

mod build;
mod module;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub(crate) use module::Tool;

/// The programs that were asked for, each with its path.
#[derive(Clone, Debug)]
pub(crate) struct Tools(BTreeMap<Tool, PathBuf>);

impl Tools {
    /// Finds the programs, and builds those that are nowhere. Blocks, for minutes when it builds.
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

    /// The path of a program that was asked for.
    pub(crate) fn path(&self, tool: Tool) -> Result<&Path> {
        self.0
            .get(&tool)
            .map(PathBuf::as_path)
            .with_context(|| format!("{} was not requested", tool.program()))
    }
}

/// The folder of assets is chosen on purpose, so its versions are taken as they are.
fn from_assets(tool: Tool) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join(tool.program());
    path.is_file().then_some(path)
}

/// What happens to be on the path is taken only where its minor version is ours: the parts of one cluster must fit.
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

/// The first program of this name on `PATH`, or in the folders of system programs, which the path of many users lacks.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether a program is there without a build.
pub(crate) fn is_built(tool: Tool) -> bool {
    from_assets(tool).or_else(|| from_path(tool)).is_some() || build::is_cached(tool)
}
