//! `completion`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::FINE;

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(verb: &Completion, out: &mut Vec<u8>) -> u8 {
    let mut command = crate::args::Args::command();
    clap_complete::generate(verb.shell, &mut command, "kubectl-ext", out);
    FINE
}
