//! The verb `package docs`.

use anyhow::{Result, bail};
use clap::Args;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::answer::docs::{Document, document};
use extension_registry_packages::cache::Entry;
use extension_registry_packages::trust::other_document;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources};
use crate::output;
use crate::packages::Session;
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Docs {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Docs, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    if session.offline {
        let here = session.loader().here(
            &verb.chosen.name,
            &verb.chosen.range()?,
            verb.chosen.kind().as_ref(),
        )?;
        let (entry, warnings) = here
            .map(|delivery| (delivery.entry, delivery.warnings))
            .unzip();
        let warnings = warnings.unwrap_or_default();
        let path = entry.as_ref().and_then(Entry::document_path);
        let (Some(entry), Some(path)) = (&entry, path) else {
            let message = format!("no documentation for `{}` in the cache", verb.chosen.name);
            bail!(Failure::new(message).hint("remove --offline"));
        };
        print_warnings(&warnings)?;
        let document = document(&entry.name, &entry.version, &std::fs::read(path)?);
        show(verb, &document, out)?;
        return Ok(ExitStatus::Success);
    }
    session.query(async {
        let resolved = session.find(&verb.chosen).await?;
        let release = &resolved.spec.release;
        let found = resolved.source.document(release).await?;
        let Some(found) = found else {
            bail!("{} has no documentation", resolved.spec.title());
        };
        let content = release.content.digest;
        let other = content.and_then(|content| other_document(&found, content));
        if let Some(other) = other {
            print_warnings(&[Note::of(&other)])?;
        }
        let manifest = &resolved.spec.manifest;
        let document = document(&manifest.name, &manifest.version, &found);
        show(verb, &document, out)?;
        Ok(ExitStatus::Success)
    })
}

fn show(verb: &Docs, document: &Document, out: &mut Vec<u8>) -> Result<()> {
    match verb.output {
        Format::Json => output::json(out, document)?,
        Format::Yaml => output::yaml(out, document)?,
        Format::Name => output::write_line!(out, "{}", document.name)?,
        Format::Table | Format::Wide => out.extend_from_slice(document.text.as_bytes()),
    }
    Ok(())
}
