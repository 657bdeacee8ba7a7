//! `package verify`: who vouches for a package, and whether what is here is what was signed.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_packages::catalog::Sighting;
use extension_registry_packages::deliver::DeliverError;
use extension_registry_packages::trust::{Reason, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use super::info::judge;
use crate::args::Format;
use crate::output::Answer;
use crate::packages::{Bar, Chosen, Session, Sources};
use crate::{FINE, WRONG, output};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is to be said about the signatures of a package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    name: String,
    version: String,
    source: String,
    /// `trusted`, `tolerated` or `refused`
    trust: &'static str,
    /// Names of the keys that vouch for it
    signed_by: Vec<String>,
    reasons: Vec<Said>,
}

#[derive(JsonSchema, Serialize)]
struct Said {
    /// A word that does not change: `Unsigned`, `UnknownKey`
    reason: &'static str,
    message: String,
}

impl Answer for Verified {
    fn names(&self) -> Vec<String> {
        vec![self.trust.to_owned()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let by = if self.signed_by.is_empty() {
            String::new()
        } else {
            format!(", signed by {}", self.signed_by.join(", "))
        };
        writeln!(
            out,
            "{} {} from {}: {}{by}",
            self.name, self.version, self.source, self.trust
        )?;
        for said in &self.reasons {
            let (text, hints) = output::parted(&said.message);
            writeln!(out, "  {}: {text}", said.reason)?;
            hints.iter().try_for_each(|hint| output::hint(out, hint))?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Verify, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let (name, version, source, verdict) = if session.offline {
        let (range, kind) = (verb.chosen.range()?, verb.chosen.kind());
        let here = session
            .loader()
            .here(&verb.chosen.name, &range, kind.as_ref())?;
        let Some(here) = here else {
            anyhow::bail!("the cache has no `{}` that fits", verb.chosen.name);
        };
        (
            here.entry.name,
            here.entry.version,
            here.entry.repository,
            here.verdict,
        )
    } else {
        session.ask(async {
            let sighting = session.find(&verb.chosen).await?;
            let verdict = match judge(&session, &sighting).await? {
                Some(verdict) => verdict,
                None => fetched(&session, &sighting).await?,
            };
            let manifest = &sighting.spec.manifest;
            let source = sighting.source.id().to_owned();
            Ok((
                manifest.name.clone(),
                manifest.version.clone(),
                source,
                verdict,
            ))
        })?
    };
    let data = Verified {
        name,
        version: version.to_string(),
        source,
        trust: verdict.name(),
        signed_by: verdict.by().to_vec(),
        reasons: verdict.reasons().iter().map(said).collect(),
    };
    output::answer(out, verb.output, &data)?;
    let is_refused = matches!(verdict, Verdict::Refused { .. });
    Ok(if is_refused { WRONG } else { FINE })
}

/// The verdict on what the source knows no digest of: it is fetched, as `pull` does.
async fn fetched(session: &Session, sighting: &Sighting<'_>) -> Result<Verdict> {
    let bar = Bar::new(&sighting.spec.title());
    match session.loader().bring(sighting, true, &bar).await {
        Ok(delivery) => Ok(delivery.verdict),
        Err(DeliverError::Refused { reasons, .. }) => Ok(Verdict::Refused { reasons }),
        Err(error) => Err(error.into()),
    }
}

fn said(reason: &Reason) -> Said {
    Said {
        reason: reason.name(),
        message: reason.to_string(),
    }
}
