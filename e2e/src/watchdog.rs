//! Stops a cluster and removes its files, even if this process was killed.
//!
//! One script stops clusters. While this process owns a cluster, a shell runs that script and waits
//! for the end of a pipe, which the kernel closes when this process exits for any reason.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::{STARTED, run};

const END: &str = include_str!("scripts/end.sh");

/// Shell that waits until this process exits.
#[derive(Debug)]
pub(crate) struct Watchdog {
    folder: PathBuf,
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Starts a watchdog for the cluster in this folder.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let mut child = script(folder, "watch")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Must outlive a Ctrl-C at the terminal.
            .process_group(0)
            .spawn()
            .context("failed to start the watchdog")?;
        let pipe = child.stdin.take();
        Ok(Self {
            folder: folder.to_owned(),
            child,
            pipe,
        })
    }

    /// Leaves the cluster running.
    pub(crate) fn keep(mut self) -> Result<()> {
        if let Some(mut pipe) = self.pipe.take() {
            pipe.write_all(b"keep\n")
                .context("failed to stop the watchdog")?;
        }
        self.child
            .wait()
            .context("failed to wait for the watchdog")?;
        Ok(())
    }

    /// Stops the cluster and waits until everything is cleaned up. Blocks for a few seconds.
    pub(crate) fn end(&mut self) -> Result<()> {
        drop(self.pipe.take());
        let status = self
            .child
            .wait()
            .context("failed to wait for the watchdog")?;
        ensure!(
            status.success() && !self.folder.exists(),
            "processes or files are left in {}",
            self.folder.display()
        );
        Ok(())
    }
}

/// Stops a cluster without a watchdog. Blocks for a few seconds.
pub(crate) fn end(folder: &Path) -> Result<()> {
    run(&mut script(folder, "now"))
        .map(drop)
        .with_context(|| format!("processes or files are left in {}", folder.display()))
}

/// Returns the running processes of a cluster, each as name and id.
pub(crate) fn list(folder: &Path) -> Result<Vec<String>> {
    Ok(run(&mut script(folder, "list"))?
        .lines()
        .map(str::to_owned)
        .collect())
}

fn script(folder: &Path, mode: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{STARTED}{END}"), "end"])
        .arg(folder)
        .arg(mode);
    command
}
