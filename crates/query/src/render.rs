//! The question which objects the operator would write.

use std::collections::BTreeMap;

use extension_registry_core::lookalike::REDACTED;
use extension_registry_render::ObjectKey;
use extension_registry_render::projection;
use extension_registry_render::workflow::{RequiredProjection, prepare};
use extension_registry_yaml::Position;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::finding::{self, Finding, Level};
use crate::inventory::Inventory;
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

/// Renders the pipelines of all workflows and the Secrets that they need. Without `reveal`, the values of Secrets are
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
    let without_position = |rule: &str, level: Level, key: &ObjectKey| {
        let finding = Finding::error(rule, &"".into(), Position::default());
        Finding { level, ..finding }.of(format!("Secret {key}"), "")
    };
    let mut secrets = Vec::new();
    for (key, needed) in needed {
        let values = inventory
            .secrets
            .values(&needed.choice, inventory.records_namespace());
        match projection::render(&key, &needed.identity, &needed.choice, "", &values) {
            Ok(rendered) => secrets.push(redact(&rendered.secret, reveal)?),
            Err(refusal) => {
                let finding = without_position(refusal.reason.as_str(), Level::Error, &key);
                findings.push(finding.message(refusal.message, refusal.hint));
            }
        }
        let sealed = inventory.secrets.sealed_unknown(&needed.choice);
        if reveal && !sealed.is_empty() {
            let keys: Vec<String> = sealed.iter().map(|key| format!("`{key}`")).collect();
            let finding = without_position("unknown-secret", Level::Warning, &key);
            findings.push(finding.message(
                format!(
                    "contains sealed values, which only the operator can decrypt: {}",
                    keys.join(", ")
                ),
                "read the rendered Secret in the cluster",
            ));
        }
        let credentials = needed.choice.credentials();
        let is_whole = credentials.is_some_and(|credentials| credentials.secret.is_some());
        let content = if is_whole { "all keys" } else { "values" };
        // Without --reveal, only unknown keys matter.
        if reveal || is_whole {
            for unknown in inventory
                .secrets
                .unknown(&needed.choice, inventory.records_namespace())
            {
                let finding = without_position("unknown-secret", Level::Warning, &key);
                findings.push(finding.message(
                    format!("copies {content} from Secret {unknown}, which is not in the files"),
                    "add the Secret to the files",
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
