//! The cache of built programs and the state of persistent clusters.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Variable with the cache folder.
pub const CACHE_VARIABLE: &str = "EXTENSION_REGISTRY_CACHE";

/// Returns the cache folder: `$EXTENSION_REGISTRY_CACHE`, else `extension-registry` below `$XDG_CACHE_HOME` or `~/.cache`.
///
/// It is outside of the build folder, so that `cargo clean` does not remove programs that take minutes to build.
///
/// # Errors
///
/// If neither the variables nor `HOME` are set.
pub fn folder() -> Result<PathBuf> {
    let variable = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = variable(CACHE_VARIABLE) {
        return std::path::absolute(folder)
            .context("failed to resolve the path of the cache folder");
    }
    variable("XDG_CACHE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("extension-registry"))
        .with_context(|| format!("no cache folder: set {CACHE_VARIABLE}, XDG_CACHE_HOME or HOME"))
}
