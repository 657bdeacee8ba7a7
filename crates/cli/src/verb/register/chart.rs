//! `-o helm`: writes the record as part of a Helm chart, and applies nothing.

use anyhow::{Result, bail, ensure};
use extension_registry_chart::{self as chart, Chart, TEMPLATE, VALUES};
use extension_registry_core::diagnostic::Failure;
use serde_json::Value;

use super::arguments::{RecordFormat, Register};
use crate::exit::ExitStatus;
use crate::output;

/// Rejects flags that do not fit the output format, before a value is read or prompted for.
pub(super) fn check(verb: &Register) -> Result<()> {
    if verb.output != RecordFormat::Helm {
        let failure = Failure::new("--chart requires -o helm").hint("pass -o helm");
        ensure!(verb.chart.is_none(), failure);
    } else if let Some(literal) = verb.credentials.iter().find(|one| !one.is_reference()) {
        bail!(chart::literal_credential(&literal.key));
    }
    Ok(())
}

/// Adds the record to a chart, or prints the template and the values.
pub(super) fn write(verb: &Register, objects: &[Value], out: &mut Vec<u8>) -> Result<ExitStatus> {
    let object = chart::only(objects)?;
    let folder = verb.chart.as_deref().map(Chart::read).transpose()?;
    let record = chart::write(object, folder.as_ref())?;
    record.notes.iter().try_for_each(output::note)?;
    if let Some(folder) = folder.filter(|_| !verb.options.dry_run) {
        let written = folder.add(&record, verb.options.yes)?;
        written.notes.iter().try_for_each(output::note)?;
        for file in &written.files {
            output::write_line!(out, "{} written", file.display())?;
        }
        return Ok(ExitStatus::Success);
    }
    let (template, values) = (record.template, record.values);
    let text = format!("# {TEMPLATE}\n{template}---\n# {VALUES}\n{values}");
    out.extend_from_slice(text.as_bytes());
    Ok(ExitStatus::Success)
}
