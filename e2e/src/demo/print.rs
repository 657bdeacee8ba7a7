//! Prints headings, sentences, the output of commands and tables to standard output.

use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

/// Prints chapters; in colour only on a terminal, and never if `NO_COLOR` is set.
pub(crate) struct Printer {
    colour: bool,
    chapter: usize,
}

impl Printer {
    /// Creates a printer whose first chapter has this number.
    pub(crate) fn new(first: usize) -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: stdout().is_terminal() && !unwanted,
            chapter: first - 1,
        }
    }

    /// Prints the heading of a chapter.
    pub(crate) fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        let line = format!("{}. {title}", self.chapter);
        self.line("");
        self.line(&self.paint("1;36", &line));
    }

    /// Prints a sentence.
    pub(crate) fn sentence(&self, text: &str) {
        self.line(&format!("   {text}"));
    }

    /// Prints a command and its output.
    pub(crate) fn ran(&self, command: &str, output: &str) {
        self.line(&self.paint("1", &format!("   $ {command}")));
        self.output(output);
    }

    /// Prints the output of a program, or a message of the operator.
    pub(crate) fn output(&self, output: &str) {
        for line in output.trim_end().lines() {
            self.line(&format!("   {}", self.paint("2", &format!("| {line}"))));
        }
    }

    /// Prints a check that passed.
    pub(crate) fn checked(&self, text: &str) {
        self.line(&format!("   {} {text}", self.paint("32", "ok")));
    }

    /// Prints a part that is skipped, and why.
    pub(crate) fn skipped(&self, text: &str) {
        self.line(&format!("   {} {text}", self.paint("33", "skipped:")));
    }

    /// Prints rows below a heading, in columns as wide as needed.
    pub(crate) fn table(&self, heading: &[&str], rows: &[Vec<String>]) {
        let mut widths: Vec<usize> = heading.iter().map(|cell| cell.len()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
        for row in std::iter::once(&heading).chain(rows) {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            self.output(cells.join("  ").trim_end());
        }
    }

    pub(crate) fn end(&self, took: Duration) {
        let line = format!(
            "All checks passed in {:.0} s. Nothing is left running.",
            took.as_secs_f64()
        );
        self.line("");
        self.line(&self.paint("1;32", &line));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Ignores errors: the demo ends its cluster even if standard output is closed.
    #[expect(clippy::unused_self, reason = "all output goes through one place")]
    fn line(&self, text: &str) {
        let _ = writeln!(stdout().lock(), "{text}");
    }
}
