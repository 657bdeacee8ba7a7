//! Findings as workflow commands of GitHub Actions, which shows them as annotations.

use std::io;

use extension_registry_query::finding::{Finding, Level};
use extension_registry_query::place::{Place, Root};

use crate::output;

pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding]) -> io::Result<()> {
    let root = Root::of_working_directory();
    for finding in findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let Finding { line, column, .. } = finding;
        let (rule, text) = (property(&finding.rule), finding.text_with_hint());
        match root.place(&finding.file) {
            Place::Inside(path) | Place::Outside(path) => output::write_line!(
                out,
                "::{level} file={},line={line},col={column},title={rule}::{}",
                property(&path),
                data(&text)
            )?,
            Place::None => output::write_line!(
                out,
                "::{level} title={rule}::{}",
                data(&format!("line {line}, column {column}: {text}"))
            )?,
        }
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
