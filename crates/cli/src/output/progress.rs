//! Shows that something goes on, and says things meanwhile.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;

/// The one that is shown now: what is said meanwhile must not end up in its line.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows on a terminal that something goes on, until it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Begins to show it.
    pub(crate) fn start(what: &'static str) -> Self {
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

/// Says something on standard error, in a line of its own. It is no result.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let line = || writeln!(io::stderr().lock(), "{text}");
    match &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(line),
        None => line(),
    }
}
