//! Man pages, the reference of commands and the schemas of their answers, from the definitions that the program itself reads.

use std::fmt::Write;
use std::io;

use clap::{Command, CommandFactory};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::args::Args;
use crate::report::json::Report;
use crate::verb::{describe, doctor, explain, list, resolve, run, status, update, version, whatif};

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
    let mut text = "# Commands\n\nWhat `kubectl ext --help` says, for every verb. Written by `make docs`.\n\nThe exit code is 0 when nothing is wrong, 1 when something is, and 2 when the command cannot be understood.\n`whatif` has two more: 3 when workflows change and each still resolves, 4 when one stops resolving.\n\nWhat `-o json` writes has a [schema](schemas) for each verb. Fields may be added to it, and none is taken away.\n`render`, `convert` and `register --dry-run` write a List of objects of Kubernetes, `run --dry-run` one such object.\n".to_owned();
    section(&mut text, "kubectl ext", &mut command);
    for verb in command
        .get_subcommands_mut()
        .filter(|verb| !verb.is_hide_set())
    {
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
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages.push(page(verb, &format!("kubectl-ext-{}", verb.get_name()))?);
    }
    Ok(pages)
}

/// Schemas of what the verbs write with `-o json`: name of the verb and JSON Schema.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("describe", schema::<describe::Description>()),
        ("doctor", schema::<doctor::Checks>()),
        ("explain", schema::<explain::Explanations>()),
        ("lint", schema::<Report<'static>>()),
        ("list", schema::<list::Services>()),
        ("resolve", schema::<resolve::Answers>()),
        ("run", schema::<run::Started>()),
        ("status", schema::<status::Workflows>()),
        ("update", schema::<update::Changes>()),
        ("version", schema::<version::Versions<'static>>()),
        ("whatif", schema::<whatif::Answered>()),
    ]
}

/// Of what is written: a field that may be left out is not required.
fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

/// A schema as it stands in its file.
///
/// # Errors
/// None that happens: a schema is JSON.
pub fn schema_text(schema: &Schema) -> serde_json::Result<String> {
    serde_json::to_string_pretty(schema).map(|text| text + "\n")
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
