//! Findings for people: a line each, with the place first, so that editors can jump there.

use std::io::{self, Write};

use anyhow::Error;

use crate::finding::{Finding, Level};
use crate::output::{self, Colour, Terminal};

/// Says on standard error what is wrong, beside the answer to something else. Whether an error is
/// among it.
pub(crate) fn complain(findings: &[Finding]) -> io::Result<bool> {
    let mut text = Vec::new();
    write(&mut text, findings, Terminal::plain())?;
    io::stderr().lock().write_all(&text)?;
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

/// Why a command failed: what, then why, in one line, and each way out in a line of its own.
pub(crate) fn failure(error: &Error) -> String {
    let mut line = String::from("error");
    let mut hints = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let (text, ways_out) = output::parted(&cause);
        // Some errors say their cause themselves.
        if !line.ends_with(text) {
            line.push_str(": ");
            line.push_str(text);
        }
        for hint in ways_out {
            hints.push_str("  hint: ");
            hints.push_str(hint);
            hints.push('\n');
        }
    }
    format!("{line}\n{hints}")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::failure;

    #[test]
    fn hints_stand_below_the_whole_sentence() {
        let error = anyhow!("not ready (NotFound: none; hint: register one); hint: look at it");
        let error = error.context("refused; hint: wait");
        let wanted = "error: refused: not ready (NotFound: none; hint: register one)\n  hint: wait\n  hint: look at it\n";
        assert_eq!(failure(&error), wanted);
        let error = anyhow!("two reasons; hint: this way; hint: or (that) way");
        let wanted = "error: two reasons\n  hint: this way\n  hint: or (that) way\n";
        assert_eq!(failure(&error), wanted);
        let error = anyhow!("no such file").context("failed to read x: no such file");
        assert_eq!(failure(&error), "error: failed to read x: no such file\n");
    }
}
