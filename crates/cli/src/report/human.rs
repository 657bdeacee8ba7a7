//! Findings as text: one line each, with the position first, so that editors can jump to it.

use std::io::{self, Write};

use anyhow::Error;
use extension_registry_core::diagnostic;
use extension_registry_query::Note;
use extension_registry_query::finding::{Finding, Level};

use crate::output::{self, Colour, Terminal};

/// Prints findings on standard error, and returns whether one is an error.
pub(crate) fn print_findings(findings: &[Finding]) -> io::Result<bool> {
    let mut text = Vec::new();
    write(&mut text, findings, Terminal::plain())?;
    output::write_error(&String::from_utf8_lossy(&text))?;
    Ok(findings.iter().any(|finding| finding.level == Level::Error))
}

pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding], terminal: Terminal) -> io::Result<()> {
    for finding in findings {
        let (level, colour) = match finding.level {
            Level::Error => ("error", Colour::Red),
            Level::Warning => ("warning", Colour::Yellow),
        };
        let level = terminal.paint(colour, level);
        if !finding.file.is_empty() {
            let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
            write!(out, "{}: ", terminal.paint(Colour::Bold, &place))?;
        }
        write!(out, "{level}[{}]: ", finding.rule)?;
        writeln!(out, "{}", finding.text())?;
        output::hint(out, &finding.hint)?;
    }
    Ok(())
}

/// Prints warnings of a library on standard error.
pub(crate) fn print_warnings(warnings: &[String]) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| {
        let (message, hints) = split_hints(warning);
        let note = Note::new(message);
        output::warn(&hints.into_iter().fold(note, Note::hint))
    })
}

/// Formats an error with its causes in one line, and each hint on its own line.
pub(crate) fn failure(error: &Error) -> String {
    let mut line = String::from("error");
    let mut hints = String::new();
    for cause_error in error.chain() {
        let cause = cause_error.to_string();
        let (text, ways_out) = split_hints(&cause);
        // Some errors include their cause.
        if !line.ends_with(text) {
            line.push_str(": ");
            line.push_str(text);
        }
        let mut ways_out: Vec<&str> = ways_out;
        let own = super::hints::hints(cause_error);
        ways_out.extend(own.iter().map(String::as_str));
        for hint in ways_out {
            hints.push_str("  hint: ");
            hints.push_str(hint);
            hints.push('\n');
        }
    }
    format!("{line}\n{hints}")
}

/// Formats an error with its causes and their hints in one line.
pub(crate) fn explained(error: &Error) -> String {
    let causes = error.chain().map(|cause| {
        let hints = super::hints::hints(cause);
        diagnostic::explained(&cause.to_string(), &hints)
    });
    causes.collect::<Vec<_>>().join(": ")
}

/// Splits a message into its text and the hints at its end, which follow a `;` or a line break. A hint inside parentheses belongs to a quoted message.
pub(crate) fn split_hints(sentence: &str) -> (&str, Vec<&str>) {
    let mut text = sentence;
    let mut hints = Vec::new();
    while let Some((before, hint)) = text.rsplit_once("hint: ") {
        let before = before
            .strip_suffix("; ")
            .or_else(|| before.strip_suffix('\n'));
        let Some(before) = before else { break };
        if hint.matches(')').count() > hint.matches('(').count() {
            break;
        }
        hints.insert(0, hint);
        text = before;
    }
    (text, hints)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::failure;

    #[test]
    fn prints_hints_below_message() {
        let error = anyhow!("not ready (NotFound: none; hint: register one); hint: check it");
        let error = error.context("refused; hint: wait");
        let expected = "error: refused: not ready (NotFound: none; hint: register one)\n  hint: wait\n  hint: check it\n";
        assert_eq!(failure(&error), expected);
        let error = anyhow!("two reasons; hint: this way; hint: or (that) way");
        let expected = "error: two reasons\n  hint: this way\n  hint: or (that) way\n";
        assert_eq!(failure(&error), expected);
        let error = anyhow!("two lines:\n  first\nhint: this way");
        let expected = "error: two lines:\n  first\n  hint: this way\n";
        assert_eq!(failure(&error), expected);
        let error = anyhow!("no such file").context("failed to read x: no such file");
        assert_eq!(failure(&error), "error: failed to read x: no such file\n");
    }
}
