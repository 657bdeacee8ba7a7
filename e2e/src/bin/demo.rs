//! Demonstrates the registry, first from files and then on a real Kubernetes, and checks what it prints.
//!
//! `make demo` runs `demo offline` and `demo cluster`; without an argument, it runs both. The exit code is 0
//! only if every check passed. Nothing is left running.

#[path = "../demo/chapters.rs"]
mod chapters;
#[path = "../demo/container.rs"]
mod container;
#[path = "../demo/lifecycle.rs"]
mod lifecycle;
#[path = "../demo/offline.rs"]
mod offline;
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
            // Without the backtrace that `RUST_BACKTRACE` adds.
            let _ = writeln!(std::io::stderr().lock(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => {
            let mut printer = Printer::new(1);
            offline::play(&mut printer)?;
            on_cluster(&mut printer).await
        }
        Some("offline") => offline::play(&mut Printer::new(1)),
        Some("cluster") => on_cluster(&mut Printer::new(2)).await,
        Some(other) => bail!("unknown part `{other}`; expected `offline` or `cluster`"),
    }
}

async fn on_cluster(printer: &mut Printer) -> Result<()> {
    let start = Instant::now();
    let mut stage = tokio::select! {
        stage = Stage::open(printer) => stage?,
        () = interrupted() => bail!("interrupted"),
    };
    let played = tokio::select! {
        played = chapters::play(&mut stage, printer) => played,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    let closed = stage.close(played.is_err()).await;
    played?;
    closed?;
    printer.end(start.elapsed());
    Ok(())
}

/// Returns when a signal requests the end of the demo.
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
