//! What kubectl asks of a plugin to complete a command: it runs `kubectl_complete-ext` with the words so
//! far, the last of them unfinished, and reads candidates, then a line `:N` with what to do beside
//! them (cobra, `ShellCompDirective`). The script of that name only calls this.

use std::io::{self, Write};

use clap::{Args, Command, CommandFactory};

use crate::FINE;

/// Nothing but the candidates.
const NO_FILES: u8 = 4;
/// Names of files, too.
const DEFAULT: u8 = 0;

/// The script to put on the path as `kubectl_complete-ext`.
pub(crate) const SCRIPT: &str = "#!/bin/sh\nexec kubectl-ext __complete \"$@\"\n";

#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// The words after `kubectl ext`, the last of them unfinished
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(verb: &Complete, out: &mut Vec<u8>) -> io::Result<u8> {
    let mut root = crate::args::Args::command();
    root.build();
    let (candidates, directive) = candidates(&root, &verb.words);
    for candidate in candidates {
        writeln!(out, "{candidate}")?;
    }
    writeln!(out, ":{directive}")?;
    Ok(FINE)
}

fn candidates(root: &Command, words: &[String]) -> (Vec<String>, u8) {
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let Some((first, rest)) = before.split_first() else {
        let verbs = root.get_subcommands().filter(|verb| !verb.is_hide_set());
        let names = verbs.map(Command::get_name);
        return (beginning(last, names), NO_FILES);
    };
    let Some(verb) = root.find_subcommand(first) else {
        return (Vec::new(), NO_FILES);
    };
    let option = rest.last().and_then(|word| {
        verb.get_arguments()
            .filter(|argument| argument.get_action().takes_values())
            .find(|argument| {
                let long = argument.get_long().map(|long| format!("--{long}"));
                let short = argument.get_short().map(|short| format!("-{short}"));
                Some(word) == long.as_ref() || Some(word) == short.as_ref()
            })
    });
    if let Some(option) = option {
        let values = option.get_possible_values();
        if values.is_empty() {
            return (Vec::new(), DEFAULT);
        }
        let names = values.iter().map(clap::builder::PossibleValue::get_name);
        return (beginning(last, names), NO_FILES);
    }
    if last.starts_with('-') {
        let longs: Vec<String> = verb
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect();
        return (beginning(last, longs.iter().map(String::as_str)), NO_FILES);
    }
    (Vec::new(), DEFAULT)
}

fn beginning<'a>(start: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words
        .filter(|word| word.starts_with(start))
        .map(str::to_owned)
        .collect()
}
