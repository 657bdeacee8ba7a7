//! Man pages and the reference of commands, from the definitions that the program itself reads.

use std::fmt::Write;
use std::io;

use clap::{Command, CommandFactory};

use crate::args::Args;

/// Columns of help in the reference.
const COLUMNS: usize = 100;

fn command() -> Command {
    let mut command = Args::command().term_width(COLUMNS);
    command.build();
    command
}

/// The reference: the help of every verb, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut command = command();
    let mut text = "# Commands\n\nWhat `kubectl ext --help` says, for every verb. Written by `make docs`.\n\nThe exit code is 0 when nothing is wrong, 1 when something is, and 2 when the command cannot be understood.\n`whatif` has two more: 3 when workflows change and each still resolves, 4 when one stops resolving.\n".to_owned();
    section(&mut text, "kubectl ext", &mut command);
    for verb in command.get_subcommands_mut() {
        let title = format!("kubectl ext {}", verb.get_name());
        section(&mut text, &title, verb);
    }
    text
}

fn section(text: &mut String, title: &str, command: &mut Command) {
    let help = command.render_long_help().to_string();
    // Writing into a String does not fail.
    let _ = write!(text, "\n## {title}\n\n```text\n");
    for line in help.trim_end().lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("```\n");
}

/// Man pages: file name and text.
///
/// # Errors
/// None that happens: a page is written into memory.
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let command = command();
    let mut pages = vec![page(&command, "kubectl-ext")?];
    for verb in command.get_subcommands() {
        pages.push(page(verb, &format!("kubectl-ext-{}", verb.get_name()))?);
    }
    Ok(pages)
}

fn page(command: &Command, name: &str) -> io::Result<(String, Vec<u8>)> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.title(name)
        .source("kubectl-ext")
        .manual("Extension Registry")
        .render(&mut text)?;
    Ok((format!("{name}.1"), text))
}
