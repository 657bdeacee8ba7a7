//! The verb `package delete`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Explanation;
use extension_registry_packages::version;
use extension_registry_query::Note;
use schemars::JsonSchema;
use serde::Serialize;

use super::index;
use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{REPOSITORY, Session};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name of the package
    #[arg(value_name = "NAME")]
    name: String,
    /// Version to delete
    #[arg(value_name = "VERSION")]
    version: String,
    /// Repository to delete from
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Do not prompt for confirmation
    #[arg(long, visible_alias = "yes", short = 'y')]
    force: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Result of a deletion.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Deleted {
    repository: String,
    /// What was deleted
    gone: Vec<String>,
    /// What could not be deleted, and why
    #[schemars(with = "Vec<String>")]
    left: Vec<Explanation>,
}

impl Answer for Deleted {
    fn names(&self) -> Vec<String> {
        self.gone.clone()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for gone in &self.gone {
            output::write_line!(out, "{gone} deleted")?;
        }
        Ok(print_warnings(self.left.iter().map(|left| &left.0))?)
    }
}

pub(crate) fn run(verb: &Delete, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let source = session.source(verb.repository.as_deref(), REPOSITORY)?;
    let version = version::parse(&verb.version)?;
    let (name, id) = (&verb.name, source.id());
    let question =
        format!("Delete {name} {version} from {id}? Installations that pin it will fail.");
    if !verb.force && !output::confirm(&question)? {
        output::warn(&Note::new("nothing was deleted"))?;
        return Ok(ExitStatus::Success);
    }
    let deleted = session.query(async { Ok(source.repository.delete(name, &version).await?) })?;
    session.listing_cache(true).forget(source);
    index::warn_if_behind(&session, source)?;
    let data = Deleted {
        repository: id.to_owned(),
        gone: deleted.gone,
        left: deleted.left.into_iter().map(Explanation).collect(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(if data.left.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}
