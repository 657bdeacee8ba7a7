//! The command `explain`, which shows why each candidate matched or was rejected.

use std::io::Write;

use anyhow::{Error, Result, anyhow, ensure};
use clap::Args;
use extension_registry_core::resolve::{Evaluation, Mismatch, Verdict, evaluate};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Format, Source};
use crate::inventory::{Inventory, WorkflowEntry};
use crate::output::{self, Colour, Terminal};
use crate::report::human::print_findings;
use crate::verb::resolve::{Answer, Outcome, answers, chosen, suggestion};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Workflow, optionally with a step and a requirement
    #[arg(value_name = "WORKFLOW[/STEP[/REQUIREMENT]]")]
    path: String,
    #[command(flatten)]
    source: Source,
    /// Show all candidates, not only the closest
    #[arg(long)]
    all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Maximum number of mismatching candidates to show; only those with the fewest mismatches are.
const NEAREST: usize = 10;

#[derive(JsonSchema, Serialize)]
struct Explanation {
    #[serde(flatten)]
    answer: Answer,
    candidates: Vec<Candidate>,
    /// Number of visible services that are not listed in `candidates`.
    omitted: usize,
}

#[derive(JsonSchema, Serialize)]
struct Candidate {
    kind: &'static str,
    record: String,
    service: String,
    verdict: &'static str,
    /// Reason in the table; JSON has `failed`.
    #[serde(skip)]
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

#[derive(JsonSchema, Serialize)]
struct Failed {
    selector: &'static str,
    wanted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Explanations {
    requirements: Vec<Explanation>,
}

pub(crate) fn run(verb: &Explain, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = Inventory::read_drafts(&verb.source)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let (entry, rest) = workflow(&inventory, verb)?;
    let explanations = explain(&inventory, entry, &rest, verb.all);
    if explanations.is_empty() && !rest.is_empty() {
        return Err(unknown_part(entry, &rest));
    }
    let is_fine = !is_wrong
        && explanations
            .iter()
            .all(|one| matches!(one.answer.outcome, Outcome::Bound { .. }));
    let data = Explanations {
        requirements: explanations,
    };
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for candidate in data.requirements.iter().flat_map(|one| &one.candidates) {
                writeln!(out, "{}/{}", candidate.record, candidate.service)?;
            }
        }
        Format::Table | Format::Wide => {
            for (position, explanation) in data.requirements.iter().enumerate() {
                if position > 0 {
                    writeln!(out)?;
                }
                write_table(explanation, terminal, out)?;
            }
        }
    }
    Ok(if is_fine {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

/// Splits a path into its workflow and the rest. The path may start with a namespace.
fn workflow<'w>(
    inventory: &'w Inventory,
    verb: &Explain,
) -> Result<(&'w WorkflowEntry, Vec<String>)> {
    let parts: Vec<String> = verb.path.split('/').map(str::to_owned).collect();
    if parts.len() > 1 {
        let whole = format!("{}/{}", parts[0], parts[1]);
        let qualified = inventory
            .workflows
            .iter()
            .find(|entry| entry.key.to_string() == whole);
        if let Some(entry) = qualified {
            return Ok((entry, parts[2..].to_vec()));
        }
    }
    let found = chosen(inventory, &parts[..1])?;
    ensure!(
        found.len() == 1,
        "workflow `{}` exists in several namespaces; hint: use NAMESPACE/NAME, such as `{}`",
        parts[0],
        found[0].key
    );
    Ok((found[0], parts[1..].to_vec()))
}

/// Creates the error for an unknown part of a path.
fn unknown_part(entry: &WorkflowEntry, path: &[String]) -> Error {
    let workflow = &entry.key;
    let mut steps = entry.workflow.spec.steps.iter();
    let names = steps.clone().map(|step| step.name.as_str());
    let Some(step) = steps.find(|step| step.name == path[0]) else {
        let suggestion = suggestion(&path[0], names);
        return anyhow!("workflow {workflow} has no step `{}`{suggestion}", path[0]);
    };
    let names = || {
        step.extensions
            .iter()
            .map(|requirement| requirement.name.as_str())
    };
    let requirement = path[1..].join("/");
    if requirement.is_empty() || names().next().is_none() {
        return anyhow!(
            "step `{}` of workflow {workflow} has no requirements",
            step.name
        );
    }
    let suggestion = suggestion(&requirement, names());
    anyhow!(
        "step `{}` of workflow {workflow} has no requirement `{requirement}`{suggestion}",
        step.name
    )
}

fn explain(
    inventory: &Inventory,
    entry: &WorkflowEntry,
    path: &[String],
    all: bool,
) -> Vec<Explanation> {
    let resolved = inventory.resolved(entry);
    let consumer = inventory.consumer(&resolved.key, resolved.person.as_ref());
    answers(&resolved)
        .zip(&resolved.resolutions)
        .filter(|(answer, _)| {
            path.first().is_none_or(|step| *step == answer.step)
                && path.get(1).is_none_or(|name| *name == answer.requirement)
        })
        .map(|(answer, resolution)| {
            let requirement = resolution.requirement.as_ref();
            let examined = requirement
                .map(|requirement| evaluate(&inventory.index, requirement, &consumer))
                .unwrap_or_default();
            let shown = if all {
                examined.len()
            } else {
                interesting(&examined)
            };
            Explanation {
                answer,
                omitted: examined.len() - shown,
                candidates: examined.iter().take(shown).map(candidate).collect(),
            }
        })
        .collect()
}

/// Returns the number of candidates to show: all that match, and of the others those with the fewest mismatches.
fn interesting(examined: &[Evaluation]) -> usize {
    let misses = |one: &Evaluation| match &one.verdict {
        Verdict::Mismatch(misses) => misses.len(),
        _ => 0,
    };
    let matching = examined.iter().filter(|one| misses(one) == 0).count();
    let fewest = examined.get(matching).map_or(0, misses);
    let near = examined
        .iter()
        .skip(matching)
        .take_while(|one| misses(one) == fewest)
        .count();
    matching + near.min(NEAREST)
}

fn candidate(examined: &Evaluation) -> Candidate {
    let (verdict, why) = match &examined.verdict {
        Verdict::Chosen => ("Chosen", "chosen"),
        Verdict::OneOfSeveral => ("OneOfSeveral", "matches (ambiguous)"),
        Verdict::NotDefault => (
            "NotDefault",
            "matches, but another record has `default: true`",
        ),
        Verdict::NoCredentials => ("NoCredentials", "no credentials available to this project"),
        Verdict::Shadowed => ("Shadowed", "shadowed by a matching record of the project"),
        Verdict::Mismatch(_) => ("Mismatch", ""),
    };
    let failed: Vec<Failed> = match &examined.verdict {
        Verdict::Mismatch(misses) => misses.iter().map(failed).collect(),
        _ => Vec::new(),
    };
    let mismatches: Vec<String> = failed.iter().map(Failed::text).collect();
    Candidate {
        kind: examined.record.key.kind().as_str(),
        record: examined.record.key.name.to_string(),
        service: examined.service().name.to_string(),
        verdict,
        why: if failed.is_empty() {
            why.to_owned()
        } else {
            mismatches.join("; ")
        },
        failed,
    }
}

fn failed(miss: &Mismatch) -> Failed {
    Failed {
        selector: miss.selector,
        wanted: miss.expected.clone(),
        found: miss.actual.clone(),
    }
}

impl Failed {
    fn text(&self) -> String {
        let (selector, wanted) = (self.selector, &self.wanted);
        match &self.found {
            Some(found) => format!("{selector} is `{found}` (requested `{wanted}`)"),
            None => format!("{selector} is not set (requested `{wanted}`)"),
        }
    }
}

fn write_table(explanation: &Explanation, terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let Explanation {
        answer,
        candidates,
        omitted,
    } = explanation;
    writeln!(
        out,
        "{}/{}, step `{}`, requirement `{}`",
        answer.namespace, answer.workflow, answer.step, answer.requirement
    )?;
    match &answer.outcome {
        Outcome::Bound {
            kind,
            record,
            service,
            endpoint,
            credentials,
            ..
        } => {
            let bound = terminal.paint(Colour::Green, "bound");
            let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
            writeln!(
                out,
                "{bound} to {kind} `{record}`, service `{service}`, endpoint {}, credentials {}",
                or_none(endpoint),
                or_none(credentials)
            )?;
        }
        Outcome::Refused {
            reason,
            message,
            hint,
        } => {
            writeln!(out, "{}: {message}", terminal.paint(Colour::Red, reason))?;
            output::hint(out, hint)?;
        }
    }
    if !candidates.is_empty() {
        writeln!(out)?;
        let rows = candidates.iter().map(|candidate| {
            vec![
                candidate.kind.to_owned(),
                candidate.record.clone(),
                candidate.service.clone(),
                candidate.why.clone(),
            ]
        });
        output::table(out, &["KIND", "RECORD", "SERVICE", "VERDICT"], rows)?;
    }
    if *omitted > 0 {
        writeln!(
            out,
            "{omitted} more with more mismatches; show them with --all"
        )?;
    }
    Ok(())
}
