//! Man pages, the reference of commands and the schemas of their answers, from the definitions that the program itself reads.

use std::fmt::Write;
use std::io;

use clap::{Command, CommandFactory};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::args::Args;
use crate::report::json::Report;
use crate::verb::{
    describe, doctor, explain, list, package, resolve, run, status, unregister, update, version,
    whatif,
};

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
    let mut text = "# Commands\n\nWhat `kubectl ext --help` says, for every verb. Written by `make docs`.\n\nThe exit code is 0 when nothing is wrong, 1 when something is, and 2 when the command cannot be understood.\n`whatif` has two more: 3 when workflows change and each still resolves, 4 when one stops resolving.\n`package` has 5 when some sources or packages failed and the others are answered; `package test-oci` has 11 for the\nnetwork, 12 for the protocol, 13 for credentials.\n\nWhat `-o json` writes has a [schema](schemas) for each verb. Fields may be added to it, and none is taken away.\n`render`, `convert` and `register --dry-run` write a List of objects of Kubernetes, `run --dry-run` one such object.\n".to_owned();
    for (title, command) in &mut all(command()) {
        section(&mut text, title, command);
    }
    text
}

/// The program and its verbs, and theirs, each with what is typed for it.
fn all(command: Command) -> Vec<(String, Command)> {
    let mut all = Vec::new();
    add("kubectl ext", command, &mut all);
    all
}

fn add(title: &str, command: Command, all: &mut Vec<(String, Command)>) {
    let verbs: Vec<Command> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned()
        .collect();
    all.push((title.to_owned(), command));
    for verb in verbs {
        let title = format!("{title} {}", verb.get_name());
        add(&title, verb, all);
    }
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
    all(command())
        .into_iter()
        .map(|(title, command)| page(&command, &title.replace(' ', "-")))
        .collect()
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
        ("package-cache-clear", schema::<package::cache::Freed>()),
        ("package-cache-list", schema::<package::cache::Kept>()),
        ("package-cache-prune", schema::<package::cache::Freed>()),
        ("package-cache-stats", schema::<package::cache::Stats>()),
        ("package-config-show", schema::<package::config::Values>()),
        ("package-delete", schema::<package::delete::Deleted>()),
        ("package-docs", schema::<package::docs::Document>()),
        ("package-forget", schema::<package::forget::Forgotten>()),
        ("package-index", schema::<package::index::Written>()),
        ("package-info", schema::<package::info::Described>()),
        ("package-init", schema::<package::init::Begun>()),
        ("package-key-approve", schema::<package::key::Approved>()),
        ("package-key-generate", schema::<package::key::Made>()),
        ("package-key-show", schema::<package::key::Shown>()),
        ("package-list", schema::<package::list::Listing>()),
        ("package-load", schema::<package::load::Loaded>()),
        ("package-login", schema::<package::login::Kept>()),
        ("package-logout", schema::<package::login::Forgotten>()),
        ("package-mirror", schema::<package::mirror::Mirrored>()),
        ("package-publish", schema::<package::publish::Published>()),
        ("package-pull", schema::<package::pull::Pulled>()),
        (
            "package-repositories",
            schema::<package::repositories::Listed>(),
        ),
        ("package-sign", schema::<package::publish::Signed>()),
        ("package-test-oci", schema::<package::test_oci::Steps>()),
        ("package-verify", schema::<package::verify::Verified>()),
        (
            "package-verify-closure",
            schema::<package::closure::Closed>(),
        ),
        (
            "package-version-compare",
            schema::<package::version::Compared>(),
        ),
        (
            "package-version-satisfies",
            schema::<package::version::Satisfied>(),
        ),
        ("package-version-sort", schema::<package::version::Sorted>()),
        ("package-versions", schema::<package::versions::Listed>()),
        ("resolve", schema::<resolve::Answers>()),
        ("run", schema::<run::Started>()),
        ("status", schema::<status::Workflows>()),
        ("unregister", schema::<unregister::Unregistered>()),
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
