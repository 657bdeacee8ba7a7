//! Answers as tables, JSON and YAML.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::safe::clean;
use crate::flags::{Format, ObjectFormat};

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
