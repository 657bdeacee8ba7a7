//! Waits for a condition while the required programs run.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::sleep;

use crate::process::Process;

/// Polls until a condition holds. Fails if a process exits or on timeout, with the last output of the processes.
pub(crate) async fn until(
    what: &str,
    limit: Duration,
    processes: &mut [Process],
    mut ready: impl AsyncFnMut() -> bool,
) -> Result<()> {
    let start = Instant::now();
    while !ready().await {
        for process in &mut *processes {
            process.check()?;
        }
        if start.elapsed() > limit {
            let logs: Vec<String> = processes.iter().map(Process::tail).collect();
            bail!(
                "timed out after {} s waiting until {what}\n{}",
                limit.as_secs(),
                logs.join("\n")
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
