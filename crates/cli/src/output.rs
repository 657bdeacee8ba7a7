//! Output as tables, JSON and YAML, and prompts.

mod fit;
mod progress;
mod safe;
mod secret;

pub(crate) use fit::{columns, fitting};
pub(crate) use progress::{Spinner, note, print_status};
pub(crate) use safe::displayable;
pub(crate) use secret::{prompt_secret, prompt_secret_with_hint};

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use extension_registry_core::lookalike;
use serde::Serialize;

use crate::args::Format;

/// Replacement for values of credentials.
pub(crate) const REDACTED: &str = lookalike::REDACTED;

/// Capabilities of standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether to use colors.
    pub(crate) colours: bool,
    /// Whether it is a terminal.
    pub(crate) is_terminal: bool,
}

impl Terminal {
    /// Detects the capabilities of standard output; respects `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn detect() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: is_terminal && allowed && !dumb,
            is_terminal,
        }
    }

    /// Returns a terminal without colors.
    pub(crate) fn plain() -> Self {
        Self {
            colours: false,
            is_terminal: false,
        }
    }

    /// Colors a text, if colors are enabled.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colours {
            format!("{}{text}{RESET}", colour.sequence())
        } else {
            text.to_owned()
        }
    }
}

/// A color (ECMA-48, "select graphic rendition").
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Bold,
    Red,
    Green,
    Yellow,
}

impl Colour {
    /// All colors that this program uses.
    const ALL: [Self; 4] = [Self::Bold, Self::Red, Self::Green, Self::Yellow];

    /// Returns the escape sequence that starts the color.
    const fn sequence(self) -> &'static str {
        match self {
            Self::Bold => "\x1b[1m",
            Self::Red => "\x1b[31m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
        }
    }
}

/// The escape sequence that ends a color.
const RESET: &str = "\x1b[0m";

/// Removes control characters from untrusted text.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}

/// Removes control characters except line breaks and tabs.
pub(crate) fn clean_lines(text: &str) -> String {
    let keeps = |one: &char| !one.is_control() || matches!(one, '\n' | '\t');
    text.chars().filter(keeps).collect()
}

/// Writes a table in the style of `kubectl get`, with a dash for empty cells.
pub(crate) fn table(
    out: &mut Vec<u8>,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row.into_iter().map(|cell| {
            if cell.is_empty() {
                "-".to_owned()
            } else {
                clean(&cell)
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Prints warnings on standard error.
pub(crate) fn warn(warnings: &[String]) -> io::Result<()> {
    let mut err = Vec::new();
    for warning in warnings {
        let (text, hints) = split_hints(warning);
        writeln!(err, "warning: {text}")?;
        hints.iter().try_for_each(|one| hint(&mut err, one))?;
    }
    write_error(&String::from_utf8_lossy(&err))
}

/// Prints text on standard error.
pub(crate) fn write_error(text: &str) -> io::Result<()> {
    let terminal = Terminal {
        colours: false,
        is_terminal: io::stderr().is_terminal(),
    };
    let text = displayable(text, terminal);
    io::stderr().lock().write_all(text.as_bytes())
}

/// Asks for confirmation. Fails if standard input is not a terminal.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    anyhow::ensure!(
        io::stdin().is_terminal(),
        "cannot prompt: stdin is not a terminal; hint: pass --yes"
    );
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
    validate: impl Fn(&str) -> Option<String>,
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
            Some(EMPTY.to_owned())
        } else {
            validate(answer)
        };
        let Some(error) = error else {
            return Ok(answer.to_owned());
        };
        print_mistake(&error)?;
    }
}

/// Error for an empty answer.
const EMPTY: &str = "a value is required; hint: press Ctrl-C to cancel";

/// Prints the error of an answer before the next prompt.
fn print_mistake(error: &str) -> io::Result<()> {
    let mut text = Vec::new();
    let (error, hints) = split_hints(error);
    writeln!(text, "  {error}")?;
    hints.iter().try_for_each(|one| hint(&mut text, one))?;
    write_error(&String::from_utf8_lossy(&text))
}

/// Splits a message into its text and the hints at its end, which follow a `;` or a line break. A hint inside parentheses belongs to a quoted message.
pub(crate) fn split_hints(sentence: &str) -> (&str, Vec<&str>) {
    let mut text = sentence;
    let mut hints = Vec::new();
    while let Some((before, hint)) = text.rsplit_once("hint: ") {
        let before = before
            .strip_suffix("; ")
            .or_else(|| before.strip_suffix('\n'));
        let Some(before) = before else { break };
        if hint.matches(')').count() > hint.matches('(').count() {
            break;
        }
        hints.insert(0, hint);
        text = before;
    }
    (text, hints)
}

/// Writes a hint on its own line.
pub(crate) fn hint(out: &mut Vec<u8>, hint: &str) -> io::Result<()> {
    if !hint.is_empty() {
        writeln!(out, "  hint: {hint}")?;
    }
    Ok(())
}

/// Result of a command, in every output format.
pub(crate) trait Answer: Serialize {
    /// Returns the names for `-o name`.
    fn names(&self) -> Vec<String>;

    /// Writes the table.
    fn table(&self, out: &mut Vec<u8>) -> anyhow::Result<()>;
}

/// Writes a result in an output format.
pub(crate) fn answer(
    out: &mut Vec<u8>,
    format: Format,
    answer: &impl Answer,
) -> anyhow::Result<()> {
    match format {
        Format::Json => json(out, answer),
        Format::Yaml => yaml(out, answer),
        Format::Name => {
            for name in answer.names() {
                writeln!(out, "{name}")?;
            }
            Ok(())
        }
        Format::Table | Format::Wide => answer.table(out),
    }
}

/// Formats a number with its noun: `1 package`, `2 packages`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Writes data as JSON.
pub(crate) fn json(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, data)?;
    out.push(b'\n');
    Ok(())
}

/// Writes data as YAML.
pub(crate) fn yaml(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_saphyr::to_string(data)?;
    out.extend_from_slice(text.as_bytes());
    if !text.ends_with('\n') {
        out.push(b'\n');
    }
    Ok(())
}

/// Output format of Kubernetes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObjectFormat {
    /// YAML documents
    #[default]
    Yaml,
    /// JSON list
    Json,
}

/// Writes Kubernetes objects.
pub(crate) fn objects(
    out: &mut Vec<u8>,
    format: ObjectFormat,
    objects: &[impl Serialize],
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'o, T> {
        api_version: &'static str,
        kind: &'static str,
        items: &'o [T],
    }
    match format {
        ObjectFormat::Yaml => {
            for object in objects {
                writeln!(out, "---")?;
                yaml(out, object)?;
            }
            Ok(())
        }
        ObjectFormat::Json => {
            let list = List {
                api_version: "v1",
                kind: "List",
                items: objects,
            };
            json(out, &list)
        }
    }
}
