//! `lint`: what is wrong in files, before anybody applies them.

use anyhow::Result;
use clap::{Args, ValueEnum};
use extension_registry_api::extension::CredentialsScope;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::workflow::{Resolved, prepare};
use extension_registry_core::refusal::Reason;
use extension_registry_core::resolve::{Evaluation, Verdict, evaluate};
use extension_registry_pipeline::lint;

use crate::args::Files;
use crate::finding::{self, Finding, Level};
use crate::output::{self, Terminal};
use crate::world::{RecordEntry, Wanted, WorkflowEntry, World};
use crate::{FINE, WRONG, plain, report};

#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    files: Files,
    /// The form of the findings
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    /// Warnings are errors
    #[arg(long)]
    strict: bool,
}

/// The form of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// For the log of a GitHub action
    Github,
}

pub(crate) fn run(verb: &Lint, terminal: Terminal, out: &mut Vec<u8>) -> Result<u8> {
    let source = verb.files.source("lint")?;
    let world = World::read(&source, Wanted::NEAR)?;
    notes(&world)?;
    let findings = findings(world);
    match verb.output {
        Form::Human => report::human::write(out, &findings, terminal)?,
        Form::Json => report::json::write(out, &findings)?,
        Form::Sarif => report::sarif::write(out, &findings)?,
        Form::Github => report::github::write(out, &findings)?,
    }
    let bad = |finding: &Finding| verb.strict || finding.level == Level::Error;
    Ok(if findings.iter().any(bad) {
        WRONG
    } else {
        FINE
    })
}

/// What was not looked at.
fn notes(world: &World) -> Result<()> {
    if world.records.is_empty() && world.workflows.is_empty() && world.findings.is_empty() {
        output::say("note: no record and no workflow is among what was read")?;
    }
    let asks = |entry: &WorkflowEntry| {
        let mut steps = entry.workflow.spec.steps.iter();
        steps.any(|step| !step.extensions.is_empty())
    };
    if !world.knows_records() && world.workflows.iter().any(asks) {
        output::say(&format!(
            "note: no record is among the files, so what workflows ask for was not looked up; {CLUSTER_HAS}"
        ))?;
    }
    Ok(())
}

/// Everything that is wrong in a world.
pub(crate) fn findings(mut world: World) -> Vec<Finding> {
    let mut findings = std::mem::take(&mut world.findings);
    for record in &world.records {
        inline_credentials(record, &mut findings);
        plain::warn(record, &mut findings);
        admits_nobody(record, &mut findings);
    }
    let has_records = world.knows_records();
    for workflow in &world.workflows {
        problems(&world, workflow, has_records, &mut findings);
        let lints = lint(&workflow.workflow.spec).into_iter();
        findings.extend(lints.map(|lint| {
            let finding = workflow.origin.warning(lint.rule, &lint.field);
            finding.says(lint.message, lint.hint)
        }));
    }
    finding::sort(&mut findings);
    findings
}

/// A password that was committed is known to whoever can read the repository.
fn inline_credentials(record: &RecordEntry, findings: &mut Vec<Finding>) {
    for (field, name) in &record.inline {
        let entry = name
            .as_ref()
            .map_or_else(|| "an entry".to_owned(), |name| format!("`{name}`"));
        findings.push(record.origin.warning("inline-credential", field).says(
            format!("{entry} has its value in the file"),
            "keep it in a Secret and refer to that with `valueFrom.secretKeyRef`",
        ));
    }
}

/// A list that admits nobody is allowed, and seldom meant.
pub(crate) fn admits_nobody(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    let nobody = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    for (at, service) in entry.spec.services.iter().enumerate() {
        for (set, credentials) in service.credentials.iter().enumerate() {
            let scope = match credentials.scope {
                Some(CredentialsScope::Project) if nobody(&credentials.project) => "project",
                Some(CredentialsScope::User) if nobody(&credentials.user) => "user",
                _ => continue,
            };
            let field = format!("spec.services[{at}].credentials[{set}]");
            findings.push(entry.origin.warning("admits-nobody", &field).says(
                format!(
                    "credentials `{}` of scope {scope} admit nobody",
                    credentials.name
                ),
                format!("list in `{scope}` who may have them"),
            ));
        }
    }
}

/// What a workflow gets wrong by itself, and where all records are there, what does not resolve.
pub(crate) fn problems(
    world: &World,
    entry: &WorkflowEntry,
    has_records: bool,
    findings: &mut Vec<Finding>,
) {
    let resolved = world.resolved(entry);
    let Err(refusals) = prepare(&resolved) else {
        return;
    };
    let unknown = world.whole_secrets_unknown(&resolved);
    for problem in refusals.problems {
        let reason = problem.refusal.reason;
        // Without records everything would be missing.
        if !has_records && !reason.is_stalled() {
            continue;
        }
        let mut finding = entry.origin.refused(&problem.field, problem.refusal);
        if may_be_there(reason, &unknown) {
            finding.level = Level::Warning;
            finding.hint = hidden(&unknown);
        }
        if may_be_elsewhere(world, &resolved, &finding) {
            if !world.knows_cluster() {
                finding.level = Level::Warning;
            }
            finding.hint = elsewhere(&finding.hint);
        }
        findings.push(finding);
    }
}

/// How to say what there is.
const CLUSTER_HAS: &str = "--base PATH says what the cluster has";

/// Whether a requirement found nothing that the cluster may well have. What lacks only an endpoint was
/// found, and so were all of which nobody said that there are more.
pub(crate) fn may_be_elsewhere(world: &World, resolved: &Resolved, finding: &Finding) -> bool {
    if world.has_base || finding.rule != Reason::NotFound.as_str() {
        return false;
    }
    let mut asked = resolved.resolutions.iter();
    let asked = asked.find(|resolution| resolution.field == finding.field);
    let Some(Ok(requirement)) = asked.map(|resolution| &resolution.requirement) else {
        return false;
    };
    let consumer = world.consumer(&resolved.key, resolved.person.as_ref());
    let is_miss = |one: &Evaluation| matches!(one.verdict, Verdict::Mismatch(_));
    evaluate(&world.index, requirement, &consumer)
        .iter()
        .all(is_miss)
}

/// The way out for what is not there, where the cluster may have it.
pub(crate) fn elsewhere(hint: &str) -> String {
    let joint = if hint.ends_with('?') { " " } else { "; " };
    format!("{hint}{joint}{CLUSTER_HAS}")
}

/// Whether a key that is not known may well be in a Secret that only the cluster has.
pub(crate) fn may_be_there(reason: Reason, unknown: &[ObjectKey]) -> bool {
    reason == Reason::UnknownKey && !unknown.is_empty()
}

/// Where a key may be that is not known.
pub(crate) fn hidden(unknown: &[ObjectKey]) -> String {
    let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    format!(
        "it may be a key of Secret {}, which is not among the files",
        names.join(", ")
    )
}
