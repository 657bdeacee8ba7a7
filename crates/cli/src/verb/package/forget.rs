//! `package forget`: what was seen of the indexes of a repository that began anew.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::output::Answer;
use crate::packages::Sources;
use crate::{FINE, output};

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The repository: its name, or the place that a flag named
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What was forgotten.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Forgotten {
    repository: String,
    /// The number of the newest index that was seen of it
    serial: u64,
}

impl Answer for Forgotten {
    fn names(&self) -> Vec<String> {
        vec![self.repository.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self { repository, serial } = self;
        writeln!(
            out,
            "index {serial} of {repository} forgotten: the next one counts, whatever it is"
        )?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Forget, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let (memory, repository) = (&session.memory, &verb.repository);
    let Some(serial) = memory.highest(repository)? else {
        let known = memory.repositories()?;
        let hint = if known.is_empty() {
            "no index was seen of any".to_owned()
        } else {
            format!("indexes were seen of {}", known.join(", "))
        };
        anyhow::bail!("no index was seen of `{repository}`; hint: {hint}");
    };
    memory.forget(repository)?;
    let data = Forgotten {
        repository: repository.clone(),
        serial,
    };
    output::answer(out, verb.output, &data)?;
    Ok(FINE)
}
