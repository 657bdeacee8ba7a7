//! The program `kubectl` without a cluster.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{Tool, Tools};

/// Finds `kubectl` of the version of the cluster, and builds it if it is missing.
///
/// # Errors
/// If the build fails.
pub fn kubectl() -> Result<PathBuf> {
    let tools = Tools::find(&[Tool::Kubectl])?;
    Ok(tools.path(Tool::Kubectl)?.to_owned())
}
