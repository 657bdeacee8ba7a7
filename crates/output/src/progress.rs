//! Shows progress, and prints messages meanwhile.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;

use super::safe::write_error;

/// The visible spinner: messages must not end up in its line.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows a spinner on a terminal until it is dropped.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// Starts a spinner.
    #[must_use]
    pub fn start(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        show(Some(bar.clone()));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        show(None);
        self.0.finish_and_clear();
    }
}

fn show(bar: Option<ProgressBar>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Prints a message on standard error.
///
/// # Errors
/// If standard error cannot be written.
pub fn print_status(text: &str) -> io::Result<()> {
    let line = || write_error(&format!("{text}\n"));
    match &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(line),
        None => line(),
    }
}
