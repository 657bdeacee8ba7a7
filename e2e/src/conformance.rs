//! The conformance suite of the OCI distribution specification.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::on_path;
use crate::tools::{Tool, Tools};

/// Content of a read-only registry, which the suite cannot write itself.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Path of the repository.
    pub repository: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Digests of its manifests.
    pub manifests: Vec<String>,
    /// Digests of its blobs.
    pub blobs: Vec<String>,
    /// Digests of manifests that others refer to.
    pub subjects: Vec<String>,
}

/// Result of the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of tests for each status: `Pass`, `FAIL`, `Skip`.
    pub counts: BTreeMap<String, u64>,
    /// Status of each API.
    pub apis: BTreeMap<String, String>,
}

/// Returns why the suite cannot run on this machine; None if it can.
#[must_use]
pub fn missing() -> Option<&'static str> {
    on_path("go")
        .is_none()
        .then_some("building the OCI conformance suite requires `go`")
}

/// Runs the suite on a read-only registry without TLS, and writes its reports into a folder. Blocks.
///
/// # Errors
/// If it cannot be built, or a test fails.
pub fn run(host: &str, content: &Content, folder: &Path) -> Result<Report> {
    let tools = Tools::find(&[Tool::OciConformance])?;
    let program = tools.path(Tool::OciConformance)?;
    let output = Command::new(program)
        .current_dir(folder)
        .env("OCI_REGISTRY", host)
        .env("OCI_TLS", "disabled")
        .env("OCI_VERSION", "1.1")
        .env("OCI_REPO1", &content.repository)
        .env("OCI_REPO2", &content.repository)
        .env("OCI_API_PUSH", "false")
        .env("OCI_API_BLOBS_DELETE", "false")
        .env("OCI_API_MANIFESTS_DELETE", "false")
        .env("OCI_API_TAGS_DELETE", "false")
        .env("OCI_RO_DATA_TAGS", content.tags.join(" "))
        .env("OCI_RO_DATA_MANIFESTS", content.manifests.join(" "))
        .env("OCI_RO_DATA_BLOBS", content.blobs.join(" "))
        .env("OCI_RO_DATA_REFERRERS", content.subjects.join(" "))
        .output()
        .context("failed to run the conformance suite")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The exit status says nothing: after its summary, the suite crashes while it writes the reports of a registry that
    // it cannot push to.
    let report = report(&text);
    let failed = |status: &str| report.counts.get(status).is_none_or(|count| *count > 0);
    ensure!(
        !failed("FAIL") && !failed("Error"),
        "the conformance suite failed:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(report)
}

/// Reads the summary: `  Pass......:         29`.
fn report(text: &str) -> Report {
    let section = |title: &str| -> BTreeMap<String, String> {
        let lines = text.lines().skip_while(|line| !line.starts_with(title));
        let lines = lines.skip(1).take_while(|line| !line.trim().is_empty());
        lines
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(':')?;
                let name = name.trim().trim_end_matches('.');
                Some((name.to_owned(), value.trim().to_owned()))
            })
            .collect()
    };
    let counts = section("OCI Conformance Result").into_iter();
    Report {
        counts: counts
            .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
            .collect(),
        apis: section("API conformance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_summary() {
        let text = "x\n\nOCI Conformance Result: Pass\n  Pass......:         29\n  Skip....:  3\n\n\
                    API conformance:\n  Tag list.....:       Pass\n\nData conformance:\n";
        let report = report(text);
        assert_eq!(report.counts["Pass"], 29);
        assert_eq!(report.counts["Skip"], 3);
        assert_eq!(report.apis["Tag list"], "Pass");
    }
}
