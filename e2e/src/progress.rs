//! Messages to the person who waits, on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Prints a line. A closed standard error is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// A step that takes long, shown as one line that counts seconds; as a line every half minute where no terminal is.
pub(crate) struct Step {
    title: String,
    start: Instant,
    shown: Instant,
    terminal: bool,
}

impl Step {
    pub(crate) fn start(title: String) -> Self {
        let now = Instant::now();
        let terminal = stderr().is_terminal();
        if !terminal {
            say(&title);
        }
        Self {
            title,
            start: now,
            shown: now,
            terminal,
        }
    }

    /// To be called several times a second.
    pub(crate) fn tick(&mut self) {
        let seconds = self.start.elapsed().as_secs();
        if self.terminal {
            let _ = write!(stderr().lock(), "\r{}: {seconds} s ", self.title);
        } else if self.shown.elapsed() >= Duration::from_secs(30) {
            self.shown = Instant::now();
            say(&format!("{}: {seconds} s so far", self.title));
        }
    }

    pub(crate) fn finish(self, outcome: &str) {
        let line = format!(
            "{}: {outcome} after {:.0} s",
            self.title,
            self.start.elapsed().as_secs_f64()
        );
        say(&if self.terminal {
            format!("\r{line}")
        } else {
            line
        });
    }
}
