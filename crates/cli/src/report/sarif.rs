//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), sections 3.13
//! (log), 3.27 (result) and 3.30 (region).

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::Result;
use extension_registry_query::finding::{Finding, Level};
use serde_json::json;

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
            "artifactLocation": {"uri": uri(&finding.file)},
            "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
        }}],
    })
}

/// Converts a path to a relative reference (RFC 3986, sections 3.3 and 4.2; SARIF, section 3.4.3). Colons are
/// encoded too: in the first segment, one would end the name of a scheme.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn converts_paths_to_relative_references() {
        for (path, expected) in [
            ("records/a_b-c.yaml", "records/a_b-c.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("-", "-"),
            ("with space/my record.yaml", "with%20space/my%20record.yaml"),
            ("a:b#c?d%e", "a%3Ab%23c%3Fd%25e"),
            ("größe.yaml", "gr%C3%B6%C3%9Fe.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
