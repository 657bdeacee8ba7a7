//! The command `completion`.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::ExitStatus;
use crate::verb::complete::SCRIPT;

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// Shell, or `kubectl` for the plugin script `kubectl_complete-ext`
    target: Target,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    Bash,
    Zsh,
    Fish,
    Kubectl,
}

pub(crate) fn run(verb: &Completion, out: &mut Vec<u8>) -> ExitStatus {
    let shell = match verb.target {
        Target::Bash => Shell::Bash,
        Target::Zsh => Shell::Zsh,
        Target::Fish => Shell::Fish,
        Target::Kubectl => {
            out.extend_from_slice(SCRIPT.as_bytes());
            return ExitStatus::Success;
        }
    };
    let mut command = crate::args::Args::command();
    clap_complete::generate(shell, &mut command, "kubectl-ext", out);
    ExitStatus::Success
}
