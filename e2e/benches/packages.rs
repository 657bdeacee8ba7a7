//! Cost of discovering and pulling packages from real registries: requests, time, memory.
//!
//! `cargo build --release --workspace && cargo bench -p extension-registry-e2e --bench packages`. Prints a
//! table and writes `bench-packages.json` at the root of the repository; fails when a target is missed. Times
//! are relative to another client, or to the same client with less work, in the same run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks print their results"
)]

#[path = "support/report.rs"]
mod report;
mod packages {
    pub(crate) mod home;
    pub(crate) mod listing;
    pub(crate) mod proxy;
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

/// Returns whether all targets are met.
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
