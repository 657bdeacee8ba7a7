//! Orders of arguments that `kubectl` accepts and clap does not: flags before the command, and `help COMMAND`.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Moves flags before the command after it, and replaces `help` by `--help`. Everything else is left to clap.
pub(crate) fn normalize(mut arguments: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
        return arguments;
    }
    // `list` has all flags of the connection to a cluster.
    let Some(flags) = command.find_subcommand("list") else {
        return arguments;
    };
    let mut end = 1;
    while let Some(text) = arguments.get(end).and_then(|argument| argument.to_str()) {
        if !text.starts_with('-') {
            break;
        }
        match flags.get_arguments().find_map(|arg| uses_next(arg, text)) {
            Some(uses_next) => end += 1 + usize::from(uses_next),
            None => return arguments,
        }
    }
    let mut verb = end;
    let mut command = command;
    while let Some(found) = arguments
        .get(verb)
        .and_then(|name| command.find_subcommand(name))
    {
        command = found;
        verb += 1;
    }
    if end > 1 && verb > end {
        arguments[1..verb].rotate_left(end - 1);
    }
    arguments
}

/// Checks whether a text is a flag, and returns whether its value is the next argument.
fn uses_next(flag: &Arg, text: &str) -> Option<bool> {
    let takes_value = flag.get_action().takes_values();
    if let Some(text) = text.strip_prefix("--") {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        return (flag.get_long()? == name).then_some(takes_value && value.is_none());
    }
    let rest = text.strip_prefix('-')?.strip_prefix(flag.get_short()?)?;
    if rest.is_empty() {
        Some(takes_value)
    } else {
        takes_value.then_some(false)
    }
}
