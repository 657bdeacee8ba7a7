//! The command `resolve`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_core::suggest;
use extension_registry_render::workflow::{Resolution, Resolved, ResolvedService, prepare};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Format, Source};
use crate::inventory::{Inventory, WorkflowEntry};
use crate::output::{self, Colour, Terminal};
use crate::report::human::print_findings;
use crate::verb::lint::may_be_unread;

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// Only these workflows: NAME or NAMESPACE/NAME
    #[arg(value_name = "WORKFLOW")]
    workflows: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Resolution of a requirement.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) namespace: String,
    pub(crate) workflow: String,
    pub(crate) step: String,
    pub(crate) requirement: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The chosen service, or the refusal.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// A service of a record was chosen.
    #[serde(rename_all = "camelCase")]
    Bound {
        kind: &'static str,
        record: String,
        service: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credentials: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// No service was chosen.
    Refused {
        reason: String,
        message: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        hint: String,
    },
}

/// Resolutions of requirements, and other problems of the workflows.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Answers {
    answers: Vec<Answer>,
    problems: Vec<Problem>,
}

/// A problem that prevents the pipeline although all requirements resolve.
#[derive(JsonSchema, Serialize)]
struct Problem {
    namespace: String,
    workflow: String,
    field: String,
    message: String,
}

pub(crate) fn run(verb: &Resolve, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = Inventory::read_drafts(&verb.source)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let chosen = chosen(&inventory, &verb.workflows)?;
    let mut data = Answers {
        answers: Vec::new(),
        problems: Vec::new(),
    };
    for entry in chosen {
        let resolved = inventory.resolved(entry);
        data.answers.extend(answers(&resolved));
        data.problems.extend(other_problems(&inventory, &resolved));
    }
    let is_fine = !is_wrong
        && data.problems.is_empty()
        && data
            .answers
            .iter()
            .all(|answer| matches!(answer.outcome, Outcome::Bound { .. }));
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for answer in &data.answers {
                if let Outcome::Bound {
                    record, service, ..
                } = &answer.outcome
                {
                    writeln!(out, "{record}/{service}")?;
                }
            }
        }
        Format::Table => write_table(&data, false, terminal, out)?,
        Format::Wide => write_table(&data, true, terminal, out)?,
    }
    Ok(if is_fine {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

fn write_table(data: &Answers, is_wide: bool, terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let header = [
        "NAMESPACE",
        "WORKFLOW",
        "STEP",
        "REQUIREMENT",
        "RECORD",
        "SERVICE",
        "ENDPOINT",
        "CREDENTIALS",
        "KIND",
        "VERSION",
    ];
    let columns = if is_wide {
        header.len()
    } else {
        header.len() - 2
    };
    let rows = data.answers.iter().map(|answer| {
        let who = [
            answer.namespace.clone(),
            answer.workflow.clone(),
            answer.step.clone(),
            answer.requirement.clone(),
        ];
        let what = match &answer.outcome {
            Outcome::Bound {
                record,
                service,
                endpoint,
                credentials,
                kind,
                version,
            } => vec![
                record.clone(),
                service.clone(),
                endpoint.clone().unwrap_or_default(),
                credentials.clone().unwrap_or_default(),
                (*kind).to_owned(),
                version.clone().unwrap_or_default(),
            ],
            Outcome::Refused { reason, .. } => vec![reason.clone()],
        };
        let nothing = std::iter::repeat(String::new());
        let cells = who.into_iter().chain(what).chain(nothing);
        cells.take(columns).collect()
    });
    output::table(out, &header[..columns], rows)?;
    for answer in &data.answers {
        if let Outcome::Refused {
            reason,
            message,
            hint,
        } = &answer.outcome
        {
            let reason = terminal.paint(Colour::Red, reason);
            writeln!(
                out,
                "\n{reason} {}/{}, step `{}`: {message}",
                answer.namespace, answer.workflow, answer.step
            )?;
            output::hint(out, hint)?;
        }
    }
    for Problem {
        namespace,
        workflow,
        message,
        ..
    } in &data.problems
    {
        let what = terminal.paint(Colour::Red, "Invalid");
        writeln!(out, "\n{what} {namespace}/{workflow}: {message}")?;
    }
    Ok(())
}

/// Returns the named workflows, or all.
pub(crate) fn chosen<'w>(
    inventory: &'w Inventory,
    names: &[String],
) -> Result<Vec<&'w WorkflowEntry>> {
    if names.is_empty() {
        return Ok(inventory.workflows.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        chosen.extend(inventory.workflows.iter().filter(|entry| {
            entry.key.to_string() == *name || (!name.contains('/') && *entry.key.name == **name)
        }));
        anyhow::ensure!(
            chosen.len() > before,
            "workflow `{name}` not found{}",
            suggestion(
                name,
                inventory.workflows.iter().map(|entry| &*entry.key.name)
            )
        );
    }
    Ok(chosen)
}

/// Maximum number of names in a message.
const FEW: usize = 5;

/// Formats a hint with similar names, or with all names if there are only a few.
pub(crate) fn suggestion<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let listed = |names: &[&str]| format!("`{}`", names.join("`, `"));
    let mut near: Vec<&str> = suggest::closest(name, names.iter().copied())
        .into_iter()
        .collect();
    if near.is_empty() && !name.is_empty() {
        let lower = name.to_lowercase();
        let holds = |known: &&str| known.to_lowercase().contains(&lower);
        near.extend(names.iter().copied().filter(holds).take(FEW));
    }
    match near.as_slice() {
        [] if names.is_empty() || names.len() > FEW => String::new(),
        [] => {
            let names: Vec<&str> = names.into_iter().collect();
            format!("; hint: available: {}", listed(&names))
        }
        [one] => format!("; hint: did you mean `{one}`?"),
        several => format!("; hint: did you mean one of {}?", listed(several)),
    }
}

/// Returns the resolution of each requirement of a workflow.
pub(crate) fn answers(resolved: &Resolved) -> impl Iterator<Item = Answer> {
    resolved.resolutions.iter().map(|resolution| {
        let step = resolved.workflow.spec.steps.get(resolution.step);
        Answer {
            namespace: resolved.key.namespace.to_string(),
            workflow: resolved.key.name.to_string(),
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            requirement: requirement_name(resolution),
            outcome: outcome(resolution),
        }
    })
}

fn requirement_name(resolution: &Resolution<ResolvedService>) -> String {
    match &resolution.requirement {
        Ok(requirement) => requirement.name.to_string(),
        Err(_) => resolution.field.clone(),
    }
}

fn outcome(resolution: &Resolution<ResolvedService>) -> Outcome {
    let refused = |refusal: &extension_registry_core::refusal::Refusal| Outcome::Refused {
        reason: refusal.reason.as_str().to_owned(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
    };
    match (&resolution.requirement, &resolution.answer) {
        (Err(problems), _) => problems.first().map_or_else(
            || Outcome::Refused {
                reason: "Invalid".to_owned(),
                message: String::new(),
                hint: String::new(),
            },
            |problem| refused(&problem.refusal),
        ),
        (_, Some(Ok(ResolvedService { choice, .. }))) => Outcome::Bound {
            kind: choice.record.key.kind().as_str(),
            record: choice.record.key.name.to_string(),
            service: choice.service().name.to_string(),
            endpoint: choice.endpoint().map(|endpoint| endpoint.name.to_string()),
            credentials: choice
                .credentials()
                .map(|credentials| credentials.name.to_string()),
            version: choice.record.version_text().map(str::to_owned),
        },
        (_, Some(Err(refusal))) => refused(refusal),
        (_, None) => Outcome::Refused {
            reason: "Invalid".to_owned(),
            message: "invalid requirement".to_owned(),
            hint: String::new(),
        },
    }
}

/// Returns other problems of a workflow, except those that depend on unknown Secrets.
fn other_problems(inventory: &Inventory, resolved: &Resolved) -> Vec<Problem> {
    let Err(refusals) = prepare(resolved) else {
        return Vec::new();
    };
    let is_answer = |field: &str| {
        resolved.resolutions.iter().any(|resolution| {
            field.starts_with(&resolution.field) && !matches!(resolution.answer, Some(Ok(_)))
        })
    };
    let unknown = inventory.whole_secrets_unknown(resolved);
    refusals
        .problems
        .into_iter()
        .filter(|problem| !is_answer(&problem.field))
        .filter(|problem| !may_be_unread(problem.refusal.reason, &unknown))
        .map(|problem| Problem {
            namespace: resolved.key.namespace.to_string(),
            workflow: resolved.key.name.to_string(),
            field: problem.field,
            message: problem.text,
        })
        .collect()
}
