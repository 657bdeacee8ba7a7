//! The verb `package verify`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Explanation;
use extension_registry_packages::answer::info::judge;
use extension_registry_packages::catalog::ResolvedVersion;
use extension_registry_packages::deliver::DeliverError;
use extension_registry_packages::trust::{Reason, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{Bar, Session};
use crate::report::hints;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Trust status of a package, and the reasons for it.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    name: String,
    version: String,
    source: String,
    /// `trusted`, `tolerated` or `refused`
    trust: &'static str,
    /// Names of the trusted keys that signed it
    signed_by: Vec<String>,
    reasons: Vec<ReasonRow>,
}

#[derive(JsonSchema, Serialize)]
struct ReasonRow {
    /// Stable name of the reason: `Unsigned`, `UnknownKey`
    reason: &'static str,
    #[schemars(with = "String")]
    message: Explanation,
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
        output::write_line!(
            out,
            "{} {} from {}: {}{by}",
            self.name,
            self.version,
            self.source,
            self.trust
        )?;
        for reason_row in &self.reasons {
            let prefix = format!("  {}: ", reason_row.reason);
            hints::write(&reason_row.message, out, &prefix)?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Verify, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let (name, version, source, verdict) = if session.offline {
        let (range, kind) = (verb.chosen.range()?, verb.chosen.kind());
        let here = session
            .loader()
            .here(&verb.chosen.name, &range, kind.as_ref())?;
        let Some(here) = here else {
            anyhow::bail!("no matching version of `{}` in the cache", verb.chosen.name);
        };
        (
            here.entry.name,
            here.entry.version,
            here.entry.repository,
            here.verdict,
        )
    } else {
        session.query(async {
            let resolved = session.find(&verb.chosen).await?;
            let verdict = match judge(&session.workspace, &resolved).await? {
                Some(verdict) => verdict,
                None => fetched(&session, &resolved).await?,
            };
            let manifest = &resolved.spec.manifest;
            let source = resolved.source.id().to_owned();
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
        reasons: verdict.reasons().iter().map(reason_row).collect(),
    };
    output::answer(out, verb.output, &data)?;
    let is_refused = matches!(verdict, Verdict::Refused { .. });
    Ok(if is_refused {
        ExitStatus::Failure
    } else {
        ExitStatus::Success
    })
}

/// Evaluates a package whose source reports no digest, by downloading it like `pull`.
async fn fetched(session: &Session, resolved: &ResolvedVersion<'_>) -> Result<Verdict> {
    let bar = Bar::new(&resolved.spec.title());
    match session.loader().fetch(resolved, true, &bar).await {
        Ok(delivery) => Ok(delivery.verdict),
        Err(DeliverError::Refused { reasons, .. }) => Ok(Verdict::Refused { reasons }),
        Err(error) => Err(error.into()),
    }
}

fn reason_row(reason: &Reason) -> ReasonRow {
    ReasonRow {
        reason: reason.name(),
        message: Explanation::of(reason),
    }
}
