//! Prompts on standard error for answers on standard input.

use std::io::{self, IsTerminal};

use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_core::printable::{Layout, printable};

use super::message::hint;
use super::safe::write_error;

/// Asks for confirmation. Fails if standard input is not a terminal.
///
/// # Errors
/// If standard input is not a terminal, ends or cannot be read, or the prompt cannot be written.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let failure = Failure::new("cannot prompt: stdin is not a terminal");
        anyhow::bail!(failure.hint("pass --yes"));
    }
    write_error(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prompts for a text until it is not empty and `validate` returns no error.
///
/// # Errors
/// If standard input is not a terminal, ends or cannot be read, or the prompt cannot be written.
pub fn prompt(question: &str, validate: impl Fn(&str) -> Option<Note>) -> anyhow::Result<String> {
    loop {
        ask(question)?;
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

/// Prints a question of one line, after which the answer is typed.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    write_error(&format!("{}: ", printable(question, Layout::OneLine)))
}

/// Returns the error for an empty answer.
pub(crate) fn empty() -> Note {
    Note::new("a value is required").hint("press Ctrl-C to cancel")
}

/// Prints the error of an answer before the next prompt.
pub(crate) fn print_mistake(error: &Note) -> io::Result<()> {
    let mut text = Vec::new();
    crate::write_line!(&mut text, "  {}", error.message)?;
    error
        .hints
        .iter()
        .try_for_each(|one| hint(&mut text, one))?;
    write_error(&String::from_utf8_lossy(&text))
}
