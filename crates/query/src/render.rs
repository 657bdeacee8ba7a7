//! The question which objects the operator would write.

use std::collections::BTreeMap;

use extension_registry_core::lookalike::REDACTED;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::projection_key;
use extension_registry_render::projection;
use extension_registry_render::workflow::{RequiredProjection, prepare};
use extension_registry_yaml::Position;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::finding::{self, Finding, Level};
use crate::inventory::Inventory;
use crate::lint::binding;
use crate::unread::{extend_hint, may_be_elsewhere, may_be_unread, unread_hint};

/// Rendered objects and their problems.
pub struct Rendered {
    /// Pipelines, by workflow.
    pub pipelines: Vec<Value>,
    /// Secrets, by name.
    pub secrets: Vec<Value>,
    /// Problems of the inventory and of rendering.
    pub findings: Vec<Finding>,
}

/// Renders the pipelines of all workflows and the Secrets of workflows and bindings. Without `reveal`, the values of Secrets are
/// redacted.
///
/// # Errors
/// If a rendered object cannot be serialized.
pub fn render(inventory: &Inventory, reveal: bool) -> serde_json::Result<Rendered> {
    let mut pipelines = Vec::new();
    let mut needed: BTreeMap<ObjectKey, RequiredProjection> = BTreeMap::new();
    let mut findings = inventory.findings.clone();
    for entry in &inventory.workflows {
        let resolved = inventory.resolved(entry);
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
                let unknown = inventory.whole_secrets_unknown(&resolved);
                findings.extend(refusals.problems.into_iter().map(|problem| {
                    let reason = problem.refusal.reason;
                    let mut finding = entry.origin.finding(problem.refusal.at(problem.field));
                    if may_be_unread(reason, &unknown) {
                        finding.hint = unread_hint(&unknown);
                    }
                    if may_be_elsewhere(inventory, &resolved, &finding) {
                        finding.hint = extend_hint(&finding.hint);
                    }
                    finding
                }));
            }
        }
    }
    let mut secrets = Vec::new();
    for (key, needed) in needed {
        let values = inventory
            .secrets
            .values(&needed.choice, inventory.records_namespace());
        match projection::render(&key, &needed.identity, &needed.choice, "", &values) {
            Ok(rendered) => secrets.push(redact(&rendered.secret, reveal)?),
            Err(refusal) => {
                let finding = of_secret(refusal.reason.as_str(), Level::Error, &key);
                findings.push(finding.message(refusal.message, refusal.hint));
            }
        }
        findings.extend(unknown_values(inventory, &key, &needed.choice, reveal));
    }
    for entry in &inventory.bindings {
        match binding::prepare(inventory, entry) {
            Ok(prepared) => {
                secrets.push(redact(&prepared.files, reveal)?);
                secrets.push(redact(&prepared.environment, reveal)?);
            }
            Err(problems) => findings.extend(problems),
        }
        if let Ok((_, selection)) = inventory.selected(entry) {
            let key = projection_key(&entry.key);
            findings.extend(unknown_values(inventory, &key, &selection.choice, reveal));
        }
    }
    finding::sort(&mut findings);
    Ok(Rendered {
        pipelines,
        secrets,
        findings,
    })
}

/// Creates a finding on a rendered Secret, which has no position.
fn of_secret(rule: &str, level: Level, key: &ObjectKey) -> Finding {
    let finding = Finding::error(rule, &"".into(), Position::default());
    Finding { level, ..finding }.of(format!("Secret {key}"), "")
}

/// Warns of values that are not in the files.
fn unknown_values(
    inventory: &Inventory,
    key: &ObjectKey,
    choice: &Choice,
    reveal: bool,
) -> Vec<Finding> {
    let warning = || of_secret("unknown-secret", Level::Warning, key);
    let mut findings = Vec::new();
    let sealed = inventory.secrets.sealed_unknown(choice);
    if reveal && !sealed.is_empty() {
        let keys: Vec<String> = sealed.iter().map(|key| format!("`{key}`")).collect();
        findings.push(warning().message(
            format!(
                "contains sealed values, which only the operator can decrypt: {}",
                keys.join(", ")
            ),
            "read the rendered Secret in the cluster",
        ));
    }
    let credentials = choice.credentials();
    let is_whole = credentials.is_some_and(|credentials| credentials.secret.is_some());
    let content = if is_whole { "all keys" } else { "values" };
    // Without --reveal, only unknown keys matter.
    if reveal || is_whole {
        let unknown = inventory
            .secrets
            .unknown(choice, inventory.records_namespace());
        findings.extend(unknown.into_iter().map(|unknown| {
            warning().message(
                format!("copies {content} from Secret {unknown}, which is not in the files"),
                "add the Secret to the files",
            )
        }));
    }
    findings
}

/// Redacts the values of a Secret, unless revealed. The placeholders are in `stringData`.
fn redact(secret: &Secret, reveal: bool) -> serde_json::Result<Value> {
    let mut object = serde_json::to_value(secret)?;
    if !reveal && let Value::Object(fields) = &mut object {
        fields.remove("data");
        let redacted: BTreeMap<&String, &str> = secret
            .data
            .iter()
            .flatten()
            .map(|(key, _)| (key, REDACTED))
            .collect();
        fields.insert("stringData".to_owned(), json!(redacted));
    }
    Ok(object)
}
