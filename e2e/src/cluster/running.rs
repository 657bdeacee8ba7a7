//! The programs of a cluster that this process must stop.

use std::path::Path;

use anyhow::Result;

use crate::process::{Launcher, Process};
use crate::watchdog::Watchdog;

/// Stops the programs when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// None after the programs were stopped, or if they must keep running.
    watchdog: Option<Watchdog>,
    pub(super) processes: Vec<Process>,
}

impl Running {
    pub(super) fn begin(folder: &Path) -> Result<(Self, Launcher)> {
        let launcher = Launcher::new(folder)?;
        Ok((
            Self {
                watchdog: Some(Watchdog::start(folder)?),
                processes: Vec::new(),
            },
            launcher,
        ))
    }

    /// Stops all programs and waits until nothing is left. Blocks.
    pub(super) fn end(&mut self) -> Result<()> {
        let Some(mut watchdog) = self.watchdog.take() else {
            return Ok(());
        };
        watchdog.end()?;
        self.processes.iter_mut().for_each(Process::reap);
        Ok(())
    }

    /// Leaves all programs running.
    pub(super) fn keep(mut self) -> Result<()> {
        self.watchdog.take().map_or(Ok(()), Watchdog::keep)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors cannot be reported here; the watchdog cleans up.
        let _ = self.end();
    }
}
