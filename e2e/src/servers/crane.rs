//! The in-memory registry of `crane`, which is lenient and differs from the others in optional features.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::running::{Running, Workspace};
use crate::process::on_path;
use crate::tools::{Tool, Tools};

/// A running registry, until it is dropped.
#[derive(Debug)]
pub struct Crane {
    running: Running,
    program: PathBuf,
}

/// Returns why crane cannot run on this machine; None if it can.
#[must_use]
pub fn missing() -> Option<&'static str> {
    let is_there = on_path("crane").is_some() || on_path("go").is_some();
    (!is_there).then_some("crane is not installed, and building it requires `go`")
}

impl Crane {
    /// Starts a registry. Blocks, for half a minute if crane must be built first.
    ///
    /// # Errors
    /// If it cannot be built, or does not start.
    pub fn start() -> Result<Self> {
        let tools = Tools::find(&[Tool::Crane])?;
        let program = tools.path(Tool::Crane)?.to_owned();
        let workspace = Workspace::new("crane")?;
        let mut command = Command::new(&program);
        command
            .args(["registry", "serve", "--address"])
            .arg(format!("127.0.0.1:{}", workspace.port));
        let running = workspace.run("crane", &command)?;
        Ok(Self { running, program })
    }

    /// Returns host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.running.host()
    }

    /// Returns the program, as an independent client.
    #[must_use]
    pub fn client(&self) -> Command {
        Command::new(&self.program)
    }
}
