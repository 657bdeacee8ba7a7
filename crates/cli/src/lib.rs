//! `kubectl ext`: the command line of the registry, with or without a cluster.
//!
//! `command` defines the command line from the flags in `flags`. Each command is a module of `verb`: it opens an
//! inventory with its flags (`open`), asks the crate `query` a question, and prints the answer with the crate
//! `output`.
//! Problems are findings, which `report` formats.
//!
//! `command` is above `verb`; `flags` and `report` are below it, and know no verb.

mod arguments;
mod client;
mod command;
mod consumer;
pub mod documentation;
mod draft;
mod exit;
mod flags;
mod open;
mod packages;
mod report;
mod template;
mod verb;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches};
use extension_registry_output as output;

use crate::command::Args;
use crate::exit::ExitStatus;
use crate::output::Terminal;

/// Runs the program. Results go to standard output, everything else to standard error.
#[must_use]
pub fn main() -> ExitCode {
    let command = Args::command();
    let arguments = arguments::normalize(env::args_os().collect(), &command);
    let matches = command.get_matches_from(arguments);
    let args = Args::from_arg_matches(&matches)
        .unwrap_or_else(|error| error.format(&mut Args::command()).exit());
    let terminal = Terminal::detect();
    let mut out = Vec::new();
    let result = command::run(&args, terminal, &mut out);
    let result = write(out).and(result);
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            let _ = output::write_error(&report::human::failure(&error));
            ExitStatus::Failure.into()
        }
    }
}

/// Writes the output. A closed pipe, as by `head`, is not an error; a full disk is.
fn write(out: Vec<u8>) -> anyhow::Result<()> {
    let out = match String::from_utf8(out) {
        Ok(text) => output::displayable(&text).into_bytes(),
        // Not text: the content of a requested file.
        Err(bytes) => bytes.into_bytes(),
    };
    let mut stdout = io::stdout().lock();
    match stdout.write_all(&out).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("failed to write the output")
        }
        _ => Ok(()),
    }
}
