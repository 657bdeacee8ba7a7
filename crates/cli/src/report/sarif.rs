//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), sections 3.13
//! (log), 3.27 (result) and 3.30 (region).

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use crate::finding::{Finding, Level};
use crate::output;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding]) -> Result<()> {
    let rules: BTreeSet<&str> = findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    let rules: Vec<_> = rules.into_iter().map(|id| json!({"id": id})).collect();
    let results: Vec<_> = findings.iter().map(result).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-ext",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    output::json(out, &log)
}

fn result(finding: &Finding) -> serde_json::Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    json!({
        "ruleId": finding.rule,
        "level": level,
        "message": {"text": finding.text_with_hint()},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": &*finding.file},
            "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
        }}],
    })
}
