//! `render`: what the operator would write, from files.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::projection;
use extension_registry_binding::workflow::{RequiredProjection, prepare};
use extension_registry_yaml::Position;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::args::Files;
use crate::finding::{self, Finding, Level};
use crate::output::{self, Form};
use crate::report::human::complain;
use crate::verb::lint;
use crate::world::{Wanted, World};
use crate::{FINE, WRONG};

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    files: Files,
    /// The form of the objects
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    /// Print the values of Secrets
    #[arg(long)]
    reveal: bool,
}

/// The objects of a world.
struct Rendered {
    pipelines: Vec<Value>,
    secrets: Vec<Value>,
    findings: Vec<Finding>,
}

pub(crate) fn run(verb: &Render, out: &mut Vec<u8>) -> Result<u8> {
    let source = verb.files.source("render")?;
    let world = World::read(&source, Wanted::NEAR)?;
    if world.workflows.is_empty() && world.findings.is_empty() {
        output::say("note: no workflow is among what was read, so nothing is rendered")?;
    }
    let Rendered {
        pipelines,
        secrets,
        findings,
    } = rendered(&world, verb.reveal)?;
    let objects: Vec<Value> = pipelines.into_iter().chain(secrets).collect();
    output::objects(out, verb.output, &objects)?;
    Ok(if complain(&findings)? { WRONG } else { FINE })
}

fn rendered(world: &World, reveal: bool) -> Result<Rendered> {
    let mut pipelines = Vec::new();
    let mut needed: BTreeMap<ObjectKey, RequiredProjection> = BTreeMap::new();
    let mut findings = world.findings.clone();
    for entry in &world.workflows {
        let resolved = world.resolved(entry);
        match prepare(&resolved) {
            Ok(prepared) => {
                pipelines.push(prepared.pipeline);
                needed.extend(
                    prepared
                        .projections
                        .into_iter()
                        .map(|needed| (needed.key.clone(), needed)),
                );
            }
            Err(refusals) => {
                let unknown = world.whole_secrets_unknown(&resolved);
                findings.extend(refusals.problems.into_iter().map(|problem| {
                    let reason = problem.refusal.reason;
                    let mut finding = entry.origin.refused(&problem.field, problem.refusal);
                    if lint::may_be_there(reason, &unknown) {
                        finding.hint = lint::hidden(&unknown);
                    }
                    if lint::may_be_elsewhere(world, &resolved, &finding) {
                        finding.hint = lint::elsewhere(&finding.hint);
                    }
                    finding
                }));
            }
        }
    }
    let nowhere = |rule: &str, level: Level, key: &ObjectKey| {
        let finding = Finding::error(rule, &"".into(), Position::default());
        Finding { level, ..finding }.of(format!("Secret {key}"), "")
    };
    let mut secrets = Vec::new();
    for (key, needed) in needed {
        let values = world
            .secrets
            .values(&needed.choice, world.records_namespace());
        match projection::render(&key, &needed.identity, &needed.choice, "", &values) {
            Ok(rendered) => secrets.push(shown(&rendered.secret, reveal)?),
            Err(refusal) => {
                let finding = nowhere(refusal.reason.as_str(), Level::Error, &key);
                findings.push(finding.says(refusal.message, refusal.hint));
            }
        }
        let sealed = world.secrets.sealed_unknown(&needed.choice);
        if reveal && !sealed.is_empty() {
            let keys: Vec<String> = sealed.iter().map(|key| format!("`{key}`")).collect();
            let finding = nowhere("unknown-secret", Level::Warning, &key);
            findings.push(finding.says(
                format!(
                    "takes sealed values, which only the operator can decrypt: {}",
                    keys.join(", ")
                ),
                "read the rendered Secret in the cluster to see them",
            ));
        }
        let credentials = needed.choice.credentials();
        let is_whole = credentials.is_some_and(|credentials| credentials.secret.is_some());
        let takes = if is_whole { "every key" } else { "values" };
        // Without values, only keys that nobody knows make a difference.
        if reveal || is_whole {
            for unknown in world
                .secrets
                .unknown(&needed.choice, world.records_namespace())
            {
                let finding = nowhere("unknown-secret", Level::Warning, &key);
                findings.push(finding.says(
                    format!("takes {takes} from Secret {unknown}, which is not among the files"),
                    "add it to the files to see them",
                ));
            }
        }
    }
    finding::sort(&mut findings);
    Ok(Rendered {
        pipelines,
        secrets,
        findings,
    })
}

/// A Secret without its values. `stringData` says what it is; nobody takes it for the real one.
fn shown(secret: &Secret, reveal: bool) -> Result<Value> {
    let mut object = serde_json::to_value(secret)?;
    if !reveal && let Value::Object(fields) = &mut object {
        fields.remove("data");
        let redacted: BTreeMap<&String, &str> = secret
            .data
            .iter()
            .flatten()
            .map(|(key, _)| (key, output::REDACTED))
            .collect();
        fields.insert("stringData".to_owned(), json!(redacted));
    }
    Ok(object)
}
