//! `kubectl ext`: everything a person does with the registry, with and without a cluster.
//!
//! [`args`] is what was typed, [`world`] what there is: records, workflows and Secrets, from files or
//! from a cluster. Each verb is a file in [`verb`] and works on a world, so it does not know where that
//! came from. [`finding`] is what is wrong, and [`report`] says it to people and to programs.
//!
//! [`convert`] makes objects of files that FuseML wrote.
//!
//! Resolution and rendering are those of the operator: `core` and `binding`.

mod args;
mod convert;
pub mod documentation;
mod draft;
mod finding;
mod output;
mod packages;
mod plain;
mod report;
mod template;
mod verb;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::args::{Args, Verb};
use crate::output::Terminal;

/// Everything went well, and nothing is wrong.
pub const FINE: u8 = 0;
/// Something is wrong in what was looked at, or it could not be looked at.
pub const WRONG: u8 = 1;
/// `package`: some sources or packages failed, and the others are answered.
pub const PARTIAL: u8 = 5;
/// `whatif`: workflows change, and each still resolves.
pub const AFFECTED: u8 = 3;
/// `whatif`: a workflow stops resolving.
pub const BROKEN: u8 = 4;

/// The program. Results go to standard output, all else to standard error.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let terminal = Terminal::detect();
    let mut out = Vec::new();
    let result = run(&args, terminal, &mut out);
    let result = write(&out).and(result);
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            let _ = io::stderr()
                .lock()
                .write_all(report::human::failure(&error).as_bytes());
            WRONG.into()
        }
    }
}

/// Hands the answer over. Who reads may have gone, as `head` does: that is no error. A full disk is.
fn write(out: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(out).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("failed to write the answer")
        }
        _ => Ok(()),
    }
}

fn run(args: &Args, terminal: Terminal, out: &mut Vec<u8>) -> anyhow::Result<u8> {
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
