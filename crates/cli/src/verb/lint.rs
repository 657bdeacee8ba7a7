//! The command `lint`, which validates files before they are applied.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Finding;
use extension_registry_query::lint::{lint, unchecked};

use crate::exit::ExitStatus;
use crate::flags::{Files, ReportFormat};
use crate::output::Terminal;
use crate::{open, output, report};

#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    files: Files,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ReportFormat,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(verb: &Lint, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::files(&verb.files, "lint")?;
    unchecked(&inventory).iter().try_for_each(output::note)?;
    let answer = lint(inventory);
    let findings = &answer.findings;
    match verb.output {
        ReportFormat::Human => report::human::write(out, findings, terminal)?,
        ReportFormat::Json => output::json(out, &answer)?,
        ReportFormat::Sarif => {
            let omitted = report::sarif::write(out, findings)?;
            report::human::print_warnings(&omitted)?;
        }
        ReportFormat::Github => report::github::write(out, findings)?,
    }
    let bad = |finding: &Finding| verb.strict || finding.is_error();
    Ok(ExitStatus::failure_if(findings.iter().any(bad)))
}
