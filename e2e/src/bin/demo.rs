//! Tells what the registry does, on a real Kubernetes, and checks every sentence of it.
//!
//! Run by `make demo`. Ends with 0 only if all that was told is true; leaves nothing running.

#[path = "../demo/chapters.rs"]
mod chapters;
#[path = "../demo/container.rs"]
mod container;
#[path = "../demo/print.rs"]
mod print;
#[path = "../demo/stage.rs"]
mod stage;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use tokio::signal::ctrl_c;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use print::Printer;
use stage::Stage;

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that `RUST_BACKTRACE` adds: this is for readers of the story.
            let _ = writeln!(std::io::stderr().lock(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<()> {
    let start = Instant::now();
    let mut printer = Printer::new();
    let mut stage = tokio::select! {
        stage = Stage::open(&mut printer) => stage?,
        () = interrupted() => bail!("interrupted"),
    };
    let told = tokio::select! {
        told = chapters::tell(&mut stage, &mut printer) => told,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    let closed = stage.close(told.is_err()).await;
    told?;
    closed?;
    printer.end(start.elapsed());
    Ok(())
}

/// Returns when somebody wants the demo to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return;
        };
        tokio::select! {
            _ = ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = ctrl_c().await;
    }
}
