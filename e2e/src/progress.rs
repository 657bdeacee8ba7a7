//! Progress messages on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Interval of the lines of a step if standard error is not a terminal.
const INTERVAL: Duration = Duration::from_secs(30);

/// Prints a line. Ignores errors, such as a closed standard error.
pub(crate) fn print_line(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Progress of several long steps: on a terminal one line with the current step, the steps that are left and the
/// elapsed time; otherwise a line for the start and the end of each step, and one every half minute.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    start: Instant,
    terminal: bool,
}

impl Progress {
    /// Begins a number of steps.
    pub(crate) fn start(total: usize) -> Self {
        Self {
            total,
            done: 0,
            start: Instant::now(),
            terminal: stderr().is_terminal(),
        }
    }

    /// Begins the next step.
    pub(crate) fn step(&mut self, title: String) -> Step<'_> {
        if !self.terminal {
            print_line(&format!("{title}{}", self.position(Duration::ZERO)));
        }
        let now = Instant::now();
        Step {
            progress: self,
            title,
            start: now,
            printed: now,
        }
    }

    /// Returns the position of the current step: ` (3 of 8, 5 left, 2m10s total)`; empty for a single step.
    fn position(&self, total: Duration) -> String {
        if self.total == 1 {
            return String::new();
        }
        let left = self.total - self.done - 1;
        let mut text = format!(" ({} of {}, {left} left", self.done + 1, self.total);
        if !total.is_zero() {
            text.push_str(", ");
            text.push_str(&time(total));
            text.push_str(" total");
        }
        text.push(')');
        text
    }
}

/// The current step.
pub(crate) struct Step<'p> {
    progress: &'p mut Progress,
    title: String,
    start: Instant,
    printed: Instant,
}

impl Step<'_> {
    /// Updates the line. Must be called several times a second.
    pub(crate) fn tick(&mut self) {
        if self.progress.terminal {
            // Clears the rest of the line, because the previous one may have been longer.
            let _ = write!(stderr().lock(), "\r{}\x1b[K", self.line());
        } else if self.printed.elapsed() >= INTERVAL {
            self.printed = Instant::now();
            print_line(&self.line());
        }
    }

    fn line(&self) -> String {
        format!(
            "{}: {}{}",
            self.title,
            time(self.start.elapsed()),
            self.progress.position(self.progress.start.elapsed())
        )
    }

    /// Ends the step. On a terminal, the line is kept after a failure and after the last step.
    pub(crate) fn finish(self, is_success: bool) {
        let outcome = if is_success { "done" } else { "failed" };
        let progress = self.progress;
        progress.done += 1;
        let is_last = progress.done == progress.total;
        let line = if is_success && is_last && progress.total > 1 {
            let total = time(progress.start.elapsed());
            format!("{} programs built in {total}", progress.total)
        } else {
            format!(
                "{}: {outcome} after {}",
                self.title,
                time(self.start.elapsed())
            )
        };
        if !progress.terminal {
            print_line(&line);
        } else if is_last || !is_success {
            print_line(&format!("\r{line}\x1b[K"));
        }
    }
}

/// Formats a duration in seconds, or in minutes and seconds.
fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Progress, time};

    #[test]
    fn formats_seconds_and_minutes() {
        assert_eq!(time(Duration::from_millis(42_900)), "42s");
        assert_eq!(time(Duration::from_secs(130)), "2m10s");
    }

    #[test]
    fn counts_steps_that_are_left() {
        let mut progress = Progress::start(8);
        progress.done = 2;
        assert_eq!(
            progress.position(Duration::from_secs(130)),
            " (3 of 8, 5 left, 2m10s total)"
        );
        assert_eq!(Progress::start(1).position(Duration::from_secs(1)), "");
    }
}
