//! Answers as tables, JSON and YAML.

use std::io;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use extension_registry_core::printable::{Layout, printable};
use extension_registry_yaml::{to_json, to_yaml};
use serde::Serialize;

/// Output format for structured data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Table
    #[default]
    Table,
    /// Table with all columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
}

/// Output format for Kubernetes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ObjectFormat {
    /// YAML documents
    #[default]
    Yaml,
    /// JSON list
    Json,
}

/// Writes a table in the style of `kubectl get`, with a dash for empty cells.
///
/// # Errors
/// If the data cannot be serialized.
pub fn table(
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
                printable(&cell, Layout::OneLine).into_owned()
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for line in table.lines() {
        crate::write_line!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Result of a command, in every output format.
pub trait Answer: Serialize {
    /// Returns the names for `-o name`.
    fn names(&self) -> Vec<String>;

    /// Writes the table.
    ///
    /// # Errors
    /// If the data cannot be serialized.
    fn table(&self, out: &mut Vec<u8>) -> anyhow::Result<()>;
}

/// Writes a result in an output format.
///
/// # Errors
/// If the data cannot be serialized.
pub fn answer(out: &mut Vec<u8>, format: Format, answer: &impl Answer) -> anyhow::Result<()> {
    match format {
        Format::Json => json(out, answer),
        Format::Yaml => yaml(out, answer),
        Format::Name => {
            for name in answer.names() {
                crate::write_line!(out, "{name}")?;
            }
            Ok(())
        }
        Format::Table | Format::Wide => answer.table(out),
    }
}

/// Formats a number with its noun: `1 package`, `2 packages`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Writes data as JSON.
///
/// # Errors
/// If the data cannot be serialized.
pub fn json(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    out.extend_from_slice(to_json(data)?.as_bytes());
    Ok(())
}

/// Writes data as YAML.
///
/// # Errors
/// If the data cannot be serialized.
pub fn yaml(out: &mut Vec<u8>, data: &impl Serialize) -> anyhow::Result<()> {
    out.extend_from_slice(to_yaml(data)?.as_bytes());
    Ok(())
}

/// Writes Kubernetes objects.
///
/// # Errors
/// If the data cannot be serialized.
pub fn objects(
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
                crate::write_line!(out, "---")?;
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
