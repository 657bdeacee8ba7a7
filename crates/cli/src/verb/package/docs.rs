//! The verb `package docs`.

use anyhow::{Result, bail};
use clap::Args;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::cache::Entry;
use extension_registry_packages::package;
use extension_registry_packages::trust::other_document;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources};
use crate::output;
use crate::output::Answer;
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

/// The document of a package.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Document {
    name: String,
    version: String,
    text: String,
}

impl Answer for Document {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(self.text.as_bytes());
        Ok(())
    }
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
        output::answer(out, verb.output, &document)?;
        return Ok(ExitStatus::Success);
    }
    session.query(async {
        let resolved = session.find(&verb.chosen).await?;
        let release = &resolved.spec.release;
        let found = resolved.source.repository.document(release).await?;
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
        output::answer(out, verb.output, &document)?;
        Ok(ExitStatus::Success)
    })
}

/// Strips the machine-readable first line.
fn document(name: &str, version: &semver::Version, document: &[u8]) -> Document {
    let text = if package::described(document).is_some() {
        let end = document.iter().position(|byte| *byte == b'\n');
        end.map_or(&[][..], |end| &document[end + 1..])
    } else {
        document
    };
    let text = String::from_utf8_lossy(text);
    Document {
        name: name.to_owned(),
        version: version.to_string(),
        text: format!("{}\n", text.trim_end()),
    }
}
