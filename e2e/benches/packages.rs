//! What finding and fetching packages costs, over real registries: requests, time, memory.
//!
//! `cargo build --release --workspace && cargo bench -p extension-registry-e2e --bench packages`. Prints a table and
//! writes `bench-packages.json` at the root of the repository; fails when a target is missed. Times are ratios:
//! of another client, or of the same one with less to do, in the same run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints"
)]

#[path = "support/report.rs"]
mod report;
mod packages {
    pub(crate) mod gate;
    pub(crate) mod listing;
    pub(crate) mod machine;
    pub(crate) mod sources;
    pub(crate) mod transfer;
}

use std::process::ExitCode;

use anyhow::{Result, ensure};
use extension_registry_e2e::servers::{crane, docker_registry};
use packages::{listing, sources, transfer};
use report::Report;
use serde_json::json;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benchmarks too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every target is met.
fn run() -> Result<bool> {
    for missing in [docker_registry::missing(), crane::missing()] {
        ensure!(missing.is_none(), "{}", missing.unwrap_or_default());
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut report = Report::default();
    transfer::run(&mut report)?;
    runtime.block_on(sources::run(&mut report))?;
    runtime.block_on(listing::run(&mut report))?;
    print!("{}", report.table());
    let circumstances = json!({ "megabytes": transfer::MEBIBYTES, "packages": listing::PACKAGES });
    report.write("bench-packages.json", circumstances)?;
    Ok(report.passed())
}
