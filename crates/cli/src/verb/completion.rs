//! The command `completion`.

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use crate::exit::ExitStatus;
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

/// Prints the script that completes the program `command`.
pub(crate) fn run(verb: &Completion, command: &mut Command, out: &mut Vec<u8>) -> ExitStatus {
    let shell = match verb.target {
        Target::Bash => Shell::Bash,
        Target::Zsh => Shell::Zsh,
        Target::Fish => Shell::Fish,
        Target::Kubectl => {
            out.extend_from_slice(SCRIPT.as_bytes());
            return ExitStatus::Success;
        }
    };
    clap_complete::generate(shell, command, "kubectl-ext", out);
    ExitStatus::Success
}
