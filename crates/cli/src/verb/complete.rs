//! The command `__complete`. To complete a command line, kubectl runs the plugin script `kubectl_complete-ext` with
//! the words typed so far, the last of them incomplete. It reads candidates, then a line `:N` with a directive
//! (cobra, `ShellCompDirective`). The script calls this command.

use std::io;

use clap::builder::PossibleValue;
use clap::{Arg, Args, Command};

use crate::exit::ExitStatus;
use crate::output;

/// Complete with candidates only.
const NO_FILES: u8 = 4;
/// Complete with file names too.
const DEFAULT: u8 = 0;

/// Script to install on the path as `kubectl_complete-ext`.
pub(crate) const SCRIPT: &str = "#!/bin/sh\nexec kubectl-ext __complete \"$@\"\n";

#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// Words after `kubectl ext`, the last of them incomplete
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Completes a command line of the program `root`.
pub(crate) fn run(verb: &Complete, mut root: Command, out: &mut Vec<u8>) -> io::Result<ExitStatus> {
    root.build();
    let (candidates, directive) = candidates(&root, &verb.words);
    for candidate in candidates {
        output::write_line!(out, "{candidate}")?;
    }
    output::write_line!(out, ":{directive}")?;
    Ok(ExitStatus::Success)
}

fn candidates(root: &Command, words: &[String]) -> (Vec<String>, u8) {
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    // Commands may be nested: `package key generate`.
    let (mut verb, mut rest) = (root, before);
    while let Some((first, after)) = rest.split_first()
        && let Some(below) = verb.find_subcommand(first)
    {
        (verb, rest) = (below, after);
    }
    let mut verbs = verb.get_subcommands().filter(|verb| !verb.is_hide_set());
    if verb.has_subcommands() && !last.starts_with('-') {
        // An unknown command has no subcommands.
        let names = verbs.by_ref().filter(|_| rest.is_empty());
        return (beginning(last, names.map(Command::get_name)), NO_FILES);
    }
    if let Some(option) = rest.last().and_then(|word| option(verb, word)) {
        return values(option, "", last);
    }
    // `--output=j` is one word.
    if let Some((name, value)) = last.split_once('=')
        && let Some(option) = option(verb, name)
    {
        return values(option, &format!("{name}="), value);
    }
    if last.starts_with('-') {
        let longs: Vec<String> = verb
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect();
        return (beginning(last, longs.iter().map(String::as_str)), NO_FILES);
    }
    let positional = verb.get_positionals().next();
    positional.map_or((Vec::new(), DEFAULT), |argument| values(argument, "", last))
}

/// Returns the option of a command with this name, if it has a value.
fn option<'v>(verb: &'v Command, name: &str) -> Option<&'v Arg> {
    let mut options = verb.get_arguments();
    options.find(|argument| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        argument.get_action().takes_values()
            && [long, short].iter().flatten().any(|known| known == name)
    })
}

/// Value names of arguments that may be paths.
const ON_DISK: [&str; 5] = ["FILE", "DIRECTORY", "PATH", "REPOSITORY", "SOURCE"];

/// Returns the candidates for an argument, and whether to add file names.
fn values(argument: &Arg, before: &str, start: &str) -> (Vec<String>, u8) {
    let values = argument.get_possible_values();
    if values.is_empty() {
        let mut called = argument.get_value_names().into_iter().flatten();
        let is_on_disk = called.any(|name| ON_DISK.iter().any(|word| name.contains(word)));
        return (Vec::new(), if is_on_disk { DEFAULT } else { NO_FILES });
    }
    let names = values.iter().map(PossibleValue::get_name);
    let names = beginning(start, names).into_iter();
    let words = names.map(|name| format!("{before}{name}")).collect();
    (words, NO_FILES)
}

fn beginning<'a>(start: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words
        .filter(|word| word.starts_with(start))
        .map(str::to_owned)
        .collect()
}
