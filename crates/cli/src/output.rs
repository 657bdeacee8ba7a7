//! Tables, JSON and YAML, and questions to a person.

mod fit;
mod progress;
mod secret;

pub(crate) use fit::{columns, fitting};
pub(crate) use progress::{Spinner, say};
pub(crate) use secret::{ask_secret, ask_secret_or};

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use extension_registry_core::lookalike;
use serde::Serialize;

use crate::args::Format;

/// Stands where a value of a credential is not shown.
pub(crate) const REDACTED: &str = lookalike::REDACTED;

/// What standard output can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether results may have colours.
    pub(crate) colours: bool,
}

impl Terminal {
    /// Looks at standard output and `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn detect() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: is_terminal && wanted && !dumb,
        }
    }

    /// One without colours.
    pub(crate) fn plain() -> Self {
        Self { colours: false }
    }

    /// Text in a colour, where there are colours.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colours {
            format!("\x1b[{}m{text}\x1b[0m", colour as u8)
        } else {
            text.to_owned()
        }
    }
}

/// A colour (ECMA-48, "select graphic rendition").
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

/// Text of somebody else without what a terminal would obey.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}

/// The same of a text with lines.
pub(crate) fn clean_lines(text: &str) -> String {
    let keeps = |one: &char| !one.is_control() || matches!(one, '\n' | '\t');
    text.chars().filter(keeps).collect()
}

/// A table without lines, as `kubectl get` prints it. A dash stands for nothing.
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

/// Says on standard error what stopped nothing.
pub(crate) fn warn(warnings: &[String]) -> io::Result<()> {
    let mut err = Vec::new();
    for warning in warnings {
        let (text, hints) = parted(warning);
        writeln!(err, "warning: {text}")?;
        hints.iter().try_for_each(|one| hint(&mut err, one))?;
    }
    io::stderr().lock().write_all(&err)
}

/// Asks a person. Where nobody can answer, that is an error with the way out.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    anyhow::ensure!(
        io::stdin().is_terminal(),
        "nobody is there to be asked; hint: --yes goes ahead without a question"
    );
    let mut err = io::stderr().lock();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Asks a person for a text, and again where it is none or `mistake` says what is wrong with it.
pub(crate) fn ask(
    question: &str,
    mistake: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<String> {
    let mut err = io::stderr().lock();
    loop {
        write!(err, "{question}: ")?;
        err.flush()?;
        let mut answer = String::new();
        let is_end = io::stdin().read_line(&mut answer)? == 0;
        anyhow::ensure!(!is_end, "nothing was said for {question}");
        let answer = answer.trim();
        let wrong = if answer.is_empty() {
            Some(NOTHING.to_owned())
        } else {
            mistake(answer)
        };
        let Some(wrong) = wrong else {
            return Ok(answer.to_owned());
        };
        again(&mut err, &wrong)?;
    }
}

/// What is wrong with an answer that is none.
const NOTHING: &str = "nothing was said; hint: an interrupt (Ctrl-C) ends this";

/// Says what is wrong with an answer, before it is asked for again.
fn again(err: &mut impl Write, wrong: &str) -> io::Result<()> {
    let mut text = Vec::new();
    let (wrong, hints) = parted(wrong);
    writeln!(text, "  {wrong}")?;
    hints.iter().try_for_each(|one| hint(&mut text, one))?;
    err.write_all(&text)
}

/// A sentence, and the ways out that stand behind it. What it quotes in brackets may have one of its own.
pub(crate) fn parted(sentence: &str) -> (&str, Vec<&str>) {
    let mut text = sentence;
    let mut hints = Vec::new();
    while let Some((before, hint)) = text.rsplit_once("; hint: ") {
        if hint.matches(')').count() > hint.matches('(').count() {
            break;
        }
        hints.insert(0, hint);
        text = before;
    }
    (text, hints)
}

/// The way out, below what was wrong.
pub(crate) fn hint(out: &mut Vec<u8>, hint: &str) -> io::Result<()> {
    if !hint.is_empty() {
        writeln!(out, "  hint: {hint}")?;
    }
    Ok(())
}

/// What a verb answers, in every form.
pub(crate) trait Answer: Serialize {
    /// Names alone, a line each.
    fn names(&self) -> Vec<String>;

    /// For people.
    fn table(&self, out: &mut Vec<u8>) -> anyhow::Result<()>;
}

/// An answer in the form that was asked for.
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

/// Data as JSON.
pub(crate) fn json(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, data)?;
    out.push(b'\n');
    Ok(())
}

/// Data as YAML.
pub(crate) fn yaml(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_saphyr::to_string(data)?;
    out.extend_from_slice(text.as_bytes());
    if !text.ends_with('\n') {
        out.push(b'\n');
    }
    Ok(())
}

/// The form of objects that can be applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Documents
    #[default]
    Yaml,
    /// One list
    Json,
}

/// Objects that can be applied.
pub(crate) fn objects(
    out: &mut Vec<u8>,
    form: Form,
    objects: &[impl Serialize],
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'o, T> {
        api_version: &'static str,
        kind: &'static str,
        items: &'o [T],
    }
    match form {
        Form::Yaml => {
            for object in objects {
                writeln!(out, "---")?;
                yaml(out, object)?;
            }
            Ok(())
        }
        Form::Json => {
            let list = List {
                api_version: "v1",
                kind: "List",
                items: objects,
            };
            json(out, &list)
        }
    }
}
