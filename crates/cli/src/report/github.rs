//! Findings as workflow commands of GitHub Actions, which shows them as annotations.

use std::io::{self, Write};

use extension_registry_query::finding::{Finding, Level};

pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        writeln!(
            out,
            "::{level} file={},line={},col={},title={}::{}",
            property(&finding.file),
            finding.line,
            finding.column,
            property(&finding.rule),
            data(&finding.text_with_hint())
        )?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
