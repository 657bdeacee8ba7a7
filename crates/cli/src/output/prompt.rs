//! Prompts on standard error for answers on standard input.

use std::io::{self, IsTerminal, Write};

use extension_registry_core::diagnostic::Failure;
use extension_registry_query::Note;

use super::message::hint;
use super::safe::write_error;

/// Asks for confirmation. Fails if standard input is not a terminal.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let failure = Failure::new("cannot prompt: stdin is not a terminal");
        anyhow::bail!(failure.hint("pass --yes"));
    }
    let mut err = io::stderr().lock();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prompts for a text until it is not empty and `validate` returns no error.
pub(crate) fn prompt(
    question: &str,
    validate: impl Fn(&str) -> Option<Note>,
) -> anyhow::Result<String> {
    let mut err = io::stderr().lock();
    loop {
        write!(err, "{question}: ")?;
        err.flush()?;
        let mut answer = String::new();
        let is_end = io::stdin().read_line(&mut answer)? == 0;
        anyhow::ensure!(!is_end, "no value for {question}: end of input");
        let answer = answer.trim();
        let error = if answer.is_empty() {
            Some(empty())
        } else {
            validate(answer)
        };
        let Some(error) = error else {
            return Ok(answer.to_owned());
        };
        print_mistake(&error)?;
    }
}

/// Returns the error for an empty answer.
pub(super) fn empty() -> Note {
    Note::new("a value is required").hint("press Ctrl-C to cancel")
}

/// Prints the error of an answer before the next prompt.
pub(super) fn print_mistake(error: &Note) -> io::Result<()> {
    let mut text = Vec::new();
    writeln!(text, "  {}", error.message)?;
    error
        .hints
        .iter()
        .try_for_each(|one| hint(&mut text, one))?;
    write_error(&String::from_utf8_lossy(&text))
}
