//! The verb `package forget`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::Session;

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Repository name, or the location passed as a flag
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A removed index state.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Forgotten {
    repository: String,
    /// Serial number of the newest index that was seen
    serial: u64,
}

impl Answer for Forgotten {
    fn names(&self) -> Vec<String> {
        vec![self.repository.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self { repository, serial } = self;
        output::write_line!(
            out,
            "index state of {repository} (serial {serial}) reset: the next index is accepted"
        )?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Forget, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let (memory, repository) = (&session.workspace.memory, &verb.repository);
    let Some(serial) = memory.highest(repository)? else {
        let known = memory.repositories()?;
        let hint = if known.is_empty() {
            "no index state is recorded for any repository".to_owned()
        } else {
            format!("use one of {}", known.join(", "))
        };
        let failure = Failure::new(format!("no index state recorded for `{repository}`"));
        anyhow::bail!(failure.hint(hint));
    };
    memory.forget(repository)?;
    let data = Forgotten {
        repository: repository.clone(),
        serial,
    };
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}
