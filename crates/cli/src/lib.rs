//! `kubectl ext`: the command line of the registry, with or without a cluster.
//!
//! [`args`] defines the command line. [`inventory`] holds records, workflows and Secrets, read from files or from
//! a cluster. Each command is a module of [`verb`] and works on that inventory, wherever it came from.
//! Problems are [`finding`]s, and [`report`] formats them. [`convert`] converts files of FuseML.
//!
//! Resolution and rendering are shared with the operator: `core` and `binding`.

mod args;
mod convert;
pub mod documentation;
mod draft;
mod finding;
mod inventory;
mod output;
mod packages;
mod plain;
mod report;
mod template;
mod verb;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::args::{Args, Verb};
use crate::output::Terminal;

/// Exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything went well, and no problems were found.
    Success = 0,
    /// Problems were found, or the command failed.
    Failure = 1,
    /// `whatif`: workflows change, and each still resolves.
    Affected = 3,
    /// `whatif`: a workflow stops resolving.
    Error = 4,
    /// `package`: some sources or packages failed; the results of the others are complete.
    Partial = 5,
    /// `package test-oci`: the registry is unreachable.
    Network = 11,
    /// `package test-oci`: the server does not respond like a registry.
    Protocol = 12,
    /// `package test-oci`: the credentials were rejected.
    Credentials = 13,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        (status as u8).into()
    }
}

/// Runs the program. Results go to standard output, everything else to standard error.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let terminal = Terminal::detect();
    let mut out = Vec::new();
    let result = run(&args, terminal, &mut out);
    let result = write(out, terminal).and(result);
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            let _ = output::write_error(&report::human::failure(&error));
            ExitStatus::Failure.into()
        }
    }
}

/// Writes the output. A closed pipe, as by `head`, is not an error; a full disk is.
fn write(out: Vec<u8>, terminal: Terminal) -> anyhow::Result<()> {
    let out = match String::from_utf8(out) {
        Ok(text) => output::displayable(&text, terminal)
            .into_owned()
            .into_bytes(),
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

fn run(args: &Args, terminal: Terminal, out: &mut Vec<u8>) -> anyhow::Result<ExitStatus> {
    match &args.verb {
        Verb::List(verb) => verb::list::run(verb, out),
        Verb::Describe(verb) => verb::describe::run(verb, out),
        Verb::Register(verb) => verb::register::run(verb, out),
        Verb::Update(verb) => verb::update::run(verb, out),
        Verb::Unregister(verb) => verb::unregister::run(verb, out),
        Verb::Resolve(verb) => verb::resolve::run(verb, terminal, out),
        Verb::Explain(verb) => verb::explain::run(verb, terminal, out),
        Verb::Whatif(verb) => verb::whatif::run(verb, terminal, out),
        Verb::Render(verb) => verb::render::run(verb, out),
        Verb::Lint(verb) => verb::lint::run(verb, terminal, out),
        Verb::Convert(verb) => verb::convert::run(verb, out),
        Verb::Run(verb) => verb::run::run(verb, out),
        Verb::Status(verb) => verb::status::run(verb, out),
        Verb::Doctor(verb) => verb::doctor::run(verb, terminal, out),
        Verb::Package(verb) => verb::package::run(verb, out),
        Verb::Completion(verb) => Ok(verb::completion::run(verb, out)),
        Verb::Complete(verb) => Ok(verb::complete::run(verb, out)?),
        Verb::Version(verb) => verb::version::run(verb, out),
    }
}
