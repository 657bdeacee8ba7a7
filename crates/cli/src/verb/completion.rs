//! `completion`.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::FINE;
use crate::verb::complete::SCRIPT;

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell, or `kubectl` for the script that kubectl looks for as `kubectl_complete-ext`
    target: Target,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    Bash,
    Zsh,
    Fish,
    Kubectl,
}

pub(crate) fn run(verb: &Completion, out: &mut Vec<u8>) -> u8 {
    let shell = match verb.target {
        Target::Bash => Shell::Bash,
        Target::Zsh => Shell::Zsh,
        Target::Fish => Shell::Fish,
        Target::Kubectl => {
            out.extend_from_slice(SCRIPT.as_bytes());
            return FINE;
        }
    };
    let mut command = crate::args::Args::command();
    clap_complete::generate(shell, &mut command, "kubectl-ext", out);
    FINE
}
