//! Cost of the operator on a real API server: writes, throughput, latency, CPU time, memory.
//!
//! `cargo build --release --workspace && cargo bench -p extension-registry-e2e --bench cluster`, with `--
//! --quick` for a tenth of the objects. Prints a table and writes `bench-results.json` at the root of the
//! repository; fails when a target is missed. Times depend on the machine, so the throughput is relative to
//! that of a client without logic that makes the same writes in the same run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks print their results"
)]

#[path = "support/report.rs"]
mod report;
mod cluster {
    pub(crate) mod admission;
    pub(crate) mod bare;
    pub(crate) mod binding;
    pub(crate) mod bindings;
    pub(crate) mod files;
    pub(crate) mod injection;
    pub(crate) mod kinds;
    pub(crate) mod measure;
    pub(crate) mod memory;
    pub(crate) mod objects;
    pub(crate) mod resolve;
    pub(crate) mod run_gate;
    pub(crate) mod webhook;
}

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use extension_registry_e2e::operator;

use cluster::{admission, binding, bindings, files, injection, memory, resolve, run_gate, webhook};
use report::Report;
use serde_json::json;

/// Only warnings and the line with the address, because logging is not measured.
const LOG_LEVEL: &str = "warn,extension_registry_operator::run=info";

/// Numbers of objects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Workflows.
    pub(crate) workflows: usize,
    /// Namespaces of the workflows and bindings.
    pub(crate) namespaces: usize,
    /// Records for the measurements of bindings.
    pub(crate) records: usize,
    /// Records for the measurements of memory.
    pub(crate) many_records: usize,
    /// Bindings.
    pub(crate) bindings: usize,
    /// Workflows and bindings that are created one by one.
    pub(crate) samples: usize,
    /// Unrelated Secrets of 1 MiB.
    pub(crate) foreign_secrets: usize,
}

const FULL: Scale = Scale {
    workflows: 2_000,
    namespaces: 20,
    records: 100,
    many_records: 10_000,
    bindings: 2_000,
    samples: 60,
    foreign_secrets: 128,
};

const QUICK: Scale = Scale {
    workflows: 200,
    namespaces: 4,
    records: 20,
    many_records: 1_000,
    bindings: 200,
    samples: 20,
    foreign_secrets: 16,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --all-targets` runs benchmarks too, without this argument.
    if !has("--bench") {
        return ExitCode::SUCCESS;
    }
    match run(&arguments, if has("--quick") { QUICK } else { FULL }) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String], scale: Scale) -> Result<ExitCode> {
    let program = operator::program()?;
    if std::env::var_os("RUST_LOG").is_none() {
        let own = std::env::current_exe().context("failed to find this program")?;
        let status = Command::new(own)
            .args(arguments)
            .env("RUST_LOG", LOG_LEVEL)
            .status()
            .context("failed to start again with another log level")?;
        return Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    println!("operator: {}", program.display());
    println!("load before: {}", measure_load());
    let only = |name: &str| {
        let chosen: Vec<&String> = arguments
            .iter()
            .filter(|argument| !argument.starts_with("--"))
            .collect();
        chosen.is_empty() || chosen.iter().any(|argument| *argument == name)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        if only("binding") {
            binding::run(scale, &mut report).await?;
        }
        if only("bindings") {
            bindings::run(scale, &mut report).await?;
        }
        if only("gate") {
            run_gate::run(scale, &mut report).await?;
        }
        if only("memory") {
            memory::run(scale, &mut report).await?;
        }
        if only("webhook") {
            webhook::run(scale, &mut report).await?;
        }
        if only("admission") {
            admission::run(&mut report).await?;
        }
        if only("injection") {
            injection::run(&mut report).await?;
        }
        if only("files") {
            files::run(&mut report).await?;
        }
        anyhow::Ok(())
    })?;
    resolve::read(&mut report)?;
    println!("load after: {}", measure_load());
    print!("{}", report.table());
    let parameters = json!({
        "workflows": scale.workflows, "namespaces": scale.namespaces, "records": scale.records,
        "manyRecords": scale.many_records, "bindings": scale.bindings,
    });
    report.write("bench-results.json", parameters)?;
    Ok(if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn measure_load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
