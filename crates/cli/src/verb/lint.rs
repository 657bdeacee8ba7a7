//! The command `lint`, which validates files before they are applied.

use anyhow::Result;
use clap::{Args, ValueEnum};
use extension_registry_api::extension::CredentialsScope;
use extension_registry_core::refusal::Reason;
use extension_registry_core::resolve::{Evaluation, Verdict, evaluate};
use extension_registry_pipeline::lint;
use extension_registry_render::ObjectKey;
use extension_registry_render::workflow::{Resolved, prepare};

use crate::args::Files;
use crate::finding::{self, Finding, Level};
use crate::inventory::{Inventory, ReadOptions, RecordEntry, WorkflowEntry};
use crate::output::{self, Terminal};
use crate::{ExitStatus, plain, report};

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

/// Report format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// Text
    #[default]
    Human,
    /// JSON
    Json,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

pub(crate) fn run(verb: &Lint, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let source = verb.files.source("lint")?;
    let inventory = Inventory::read(&source, ReadOptions::NAMESPACE)?;
    notes(&inventory)?;
    let findings = findings(inventory);
    match verb.output {
        ReportFormat::Human => report::human::write(out, &findings, terminal)?,
        ReportFormat::Json => report::json::write(out, &findings)?,
        ReportFormat::Sarif => report::sarif::write(out, &findings)?,
        ReportFormat::Github => report::github::write(out, &findings)?,
    }
    let bad = |finding: &Finding| verb.strict || finding.level == Level::Error;
    Ok(if findings.iter().any(bad) {
        ExitStatus::Failure
    } else {
        ExitStatus::Success
    })
}

/// Prints notes on what was not checked.
fn notes(inventory: &Inventory) -> Result<()> {
    if inventory.records.is_empty()
        && inventory.workflows.is_empty()
        && inventory.findings.is_empty()
    {
        output::note("no records or workflows found")?;
    }
    let has_requirements = |entry: &WorkflowEntry| {
        let mut steps = entry.workflow.spec.steps.iter();
        steps.any(|step| !step.extensions.is_empty())
    };
    if !inventory.knows_records() && inventory.workflows.iter().any(has_requirements) {
        output::note(&format!(
            "requirements were not checked, because the files contain no records; hint: {BASE_HINT}"
        ))?;
    }
    Ok(())
}

/// Collects all findings of an inventory.
pub(crate) fn findings(mut inventory: Inventory) -> Vec<Finding> {
    let mut findings = std::mem::take(&mut inventory.findings);
    for record in &inventory.records {
        inline_credentials(record, &mut findings);
        plain::warn(record, &mut findings);
        admits_no_one(record, &mut findings);
    }
    let has_records = inventory.knows_records();
    for workflow in &inventory.workflows {
        check_workflow(&inventory, workflow, has_records, &mut findings);
        let lints = lint(&workflow.workflow.spec).into_iter();
        findings.extend(lints.map(|lint| {
            let finding = workflow.origin.warning(lint.rule, &lint.field);
            finding.message(lint.message, lint.hint)
        }));
    }
    finding::sort(&mut findings);
    findings
}

/// Warns of literal credentials: committed to Git, they are readable by everyone with access to the repository.
fn inline_credentials(record: &RecordEntry, findings: &mut Vec<Finding>) {
    for (field, name) in &record.inline {
        let entry = name
            .as_ref()
            .map_or_else(|| "an entry".to_owned(), |name| format!("`{name}`"));
        findings.push(record.origin.warning("inline-credential", field).message(
            format!("{entry} contains a literal credential"),
            "move it to a Secret, and reference it with `valueFrom.secretKeyRef`",
        ));
    }
}

/// Warns of credentials that are available to no one. They are valid, but rarely intended.
pub(crate) fn admits_no_one(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    let is_empty = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    for (at, service) in entry.spec.services.iter().enumerate() {
        for (set, credentials) in service.credentials.iter().enumerate() {
            let scope = match credentials.scope {
                Some(CredentialsScope::Project) if is_empty(&credentials.project) => "project",
                Some(CredentialsScope::User) if is_empty(&credentials.user) => "user",
                _ => continue,
            };
            let field = format!("spec.services[{at}].credentials[{set}]");
            findings.push(entry.origin.warning("admits-nobody", &field).message(
                format!(
                    "credentials `{}` are available to no {scope}",
                    credentials.name
                ),
                format!("add names to the list `{scope}`"),
            ));
        }
    }
}

/// Collects problems of a workflow, and if records are known, requirements that do not resolve.
pub(crate) fn check_workflow(
    inventory: &Inventory,
    entry: &WorkflowEntry,
    has_records: bool,
    findings: &mut Vec<Finding>,
) {
    let resolved = inventory.resolved(entry);
    let Err(refusals) = prepare(&resolved) else {
        return;
    };
    let unknown = inventory.whole_secrets_unknown(&resolved);
    for problem in refusals.problems {
        let reason = problem.refusal.reason;
        // Without records, no requirement resolves.
        if !has_records && !reason.is_stalled() {
            continue;
        }
        let mut finding = entry.origin.refused(&problem.field, problem.refusal);
        if may_be_unread(reason, &unknown) {
            finding.level = Level::Warning;
            finding.hint = unread_hint(&unknown);
        }
        if may_be_elsewhere(inventory, &resolved, &finding) {
            if !inventory.knows_cluster() {
                finding.level = Level::Warning;
            }
            finding.hint = extend_hint(&finding.hint);
        }
        findings.push(finding);
    }
}

/// Hint on records that exist only in the cluster.
const BASE_HINT: &str = "pass the records of the cluster with --base PATH";

/// Returns whether a requirement without a match could match a record in the cluster. It cannot if a candidate
/// lacks only an endpoint or credentials, or with `--base`.
pub(crate) fn may_be_elsewhere(
    inventory: &Inventory,
    resolved: &Resolved,
    finding: &Finding,
) -> bool {
    if inventory.has_base || finding.rule != Reason::NotFound.as_str() {
        return false;
    }
    let mut resolutions = resolved.resolutions.iter();
    let resolution = resolutions.find(|resolution| resolution.field == finding.field);
    let Some(Ok(requirement)) = resolution.map(|resolution| &resolution.requirement) else {
        return false;
    };
    let consumer = inventory.consumer(&resolved.key, resolved.person.as_ref());
    let is_miss = |one: &Evaluation| matches!(one.verdict, Verdict::Mismatch(_));
    evaluate(&inventory.index, requirement, &consumer)
        .iter()
        .all(is_miss)
}

/// Extends a hint for requirements that may match a record of the cluster.
pub(crate) fn extend_hint(hint: &str) -> String {
    let joint = if hint.ends_with('?') { " " } else { "; " };
    format!("{hint}{joint}{BASE_HINT}")
}

/// Returns whether an unknown key may be in a Secret that exists only in the cluster.
pub(crate) fn may_be_unread(reason: Reason, unknown: &[ObjectKey]) -> bool {
    reason == Reason::UnknownKey && !unknown.is_empty()
}

/// Formats the hint for such a key.
pub(crate) fn unread_hint(unknown: &[ObjectKey]) -> String {
    let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    format!(
        "it may be a key of Secret {}, which is not in the files",
        names.join(", ")
    )
}
