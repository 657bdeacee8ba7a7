//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), sections 3.13
//! (log), 3.27 (result) and 3.30 (region).

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::Result;
use extension_registry_core::diagnostic::{Explain, Note};
use extension_registry_query::finding::{Finding, Level};
use extension_registry_query::place::{Place, Root};
use serde_json::json;

use crate::output;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Maximum number of results of a run that GitHub accepts (GitHub, "SARIF support for code scanning").
const MOST: usize = 25_000;

/// Writes the findings, and returns a warning if not all of them. Errors are preferred.
pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding]) -> Result<Option<Note>> {
    let mut shown: Vec<&Finding> = findings.iter().collect();
    let left = shown.len().saturating_sub(MOST);
    if left > 0 {
        // The sort is stable, so findings stay in the order of the files.
        shown.sort_by_key(|finding| finding.level);
        shown.truncate(MOST);
    }
    let note = (left > 0).then(|| {
        let message = format!("{left} findings were omitted: GitHub accepts at most {MOST}");
        Note::new(message).hint("lint fewer files at a time, or use `-o json`")
    });
    let rules: BTreeSet<&str> = shown.iter().map(|finding| finding.rule.as_str()).collect();
    let rules: Vec<_> = rules.into_iter().map(|id| json!({"id": id})).collect();
    let root = Root::of_working_directory();
    let results: Vec<_> = shown.iter().map(|finding| result(finding, &root)).collect();
    let mut run = json!({
        "tool": {"driver": {
            "name": "kubectl-ext",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }},
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if let Some(note) = &note {
        let message = json!({"text": note.explained()});
        run["invocations"] = json!([{
            "executionSuccessful": true,
            "toolExecutionNotifications": [{"level": "warning", "message": message}],
        }]);
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [run],
    });
    output::json(out, &log)?;
    Ok(note)
}

fn result(finding: &Finding, root: &Root) -> serde_json::Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let place = match root.place(&finding.file) {
        Place::Inside(path) => Some(uri(&path)),
        Place::Outside(path) => Some(format!("file://{}", uri(&path))),
        Place::None => None,
    };
    let text = finding.text_with_hint();
    let Some(place) = place else {
        let (line, column) = (finding.line, finding.column);
        return json!({
            "ruleId": finding.rule,
            "level": level,
            "message": {"text": format!("line {line}, column {column}: {text}")},
        });
    };
    json!({
        "ruleId": finding.rule,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": place},
            "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
        }}],
    })
}

/// Encodes a path for a reference (RFC 3986, sections 3.3 and 4.2; SARIF, section 3.4.3). Colons are
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
            ("with space/my record.yaml", "with%20space/my%20record.yaml"),
            ("a:b#c?d%e", "a%3Ab%23c%3Fd%25e"),
            ("größe.yaml", "gr%C3%B6%C3%9Fe.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
