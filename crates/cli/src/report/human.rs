//! Findings as text: one line each, with the position first, so that editors can jump to it.

use std::io;

use anyhow::Error;
use extension_registry_core::diagnostic::{Explain, Failure, Note};
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
        let place = if finding.file.is_empty() {
            String::new()
        } else {
            let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
            terminal.paint(Colour::Bold, &place) + ": "
        };
        output::write_line!(out, "{place}{level}[{}]: {}", finding.rule, finding.text())?;
        output::hint(out, &finding.hint)?;
    }
    Ok(())
}

/// Prints warnings of a library on standard error.
pub(crate) fn print_warnings<'w>(warnings: impl IntoIterator<Item = &'w Note>) -> io::Result<()> {
    warnings.into_iter().try_for_each(output::warn)
}

/// Formats an error with its causes in one line, and each different hint on its own line.
pub(crate) fn failure(error: &Error) -> String {
    let mut line = String::from("error");
    let mut hints: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // Some errors include their cause.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        for hint in super::hints::hints(cause) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    let hints = hints.iter().map(|hint| format!("  hint: {hint}\n"));
    format!("{line}\n{}", hints.collect::<String>())
}

/// Converts an error with its causes to a note.
pub(crate) fn note(error: &Error) -> Note {
    let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    let hints = error.chain().flat_map(super::hints::hints);
    hints.fold(Note::new(texts.join(": ")), Note::hint)
}

/// Combines several problems into one error, with each hint below its problem.
pub(crate) fn combined(problems: &[impl Explain]) -> Failure {
    let mut lines = Vec::new();
    let mut hints = Vec::new();
    for problem in problems {
        lines.extend(
            hints
                .drain(..)
                .map(|hint: String| format!("  hint: {hint}")),
        );
        lines.push(problem.to_string());
        hints = problem.hints();
        hints.retain(|hint| !hint.is_empty());
    }
    hints
        .into_iter()
        .fold(Failure::new(lines.join("\n")), Failure::hint)
}

#[cfg(test)]
mod tests {
    use anyhow::{Error, anyhow};
    use extension_registry_core::diagnostic::Failure;

    use super::failure;

    #[test]
    fn prints_hints_below_message() {
        let cause = Failure::new("not ready (NotFound: none; hint: register one)").hint("check it");
        let error = Error::from(Failure::new("refused").hint("wait").caused_by(cause));
        let expected = "error: refused: not ready (NotFound: none; hint: register one)\n  hint: wait\n  hint: check it\n";
        assert_eq!(failure(&error), expected);
        let twice = Failure::new("cause").hint("wait").hint("wait");
        let error = Error::from(Failure::new("refused").hint("wait").caused_by(twice));
        assert_eq!(failure(&error), "error: refused: cause\n  hint: wait\n");
        let two = Failure::new("two reasons")
            .hint("this way")
            .hint("or (that) way");
        let expected = "error: two reasons\n  hint: this way\n  hint: or (that) way\n";
        assert_eq!(failure(&two.into()), expected);
        let lines = Failure::new("two lines:\n  first").hint("this way");
        let expected = "error: two lines:\n  first\n  hint: this way\n";
        assert_eq!(failure(&lines.into()), expected);
        let error = anyhow!("no such file").context("failed to read x: no such file");
        assert_eq!(failure(&error), "error: failed to read x: no such file\n");
    }
}
