//! Shows on a terminal how a transfer goes on.

use extension_registry_packages::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Bytes and rate of one transfer. Where nobody looks, it shows nothing.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows itself when the transfer begins.
    pub(crate) fn new(what: &str) -> Self {
        let bar = ProgressBar::no_length().with_message(what.to_owned());
        // The template is a constant; without it the bar has another form.
        if let Ok(style) = ProgressStyle::with_template(
            "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}",
        ) {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn begin(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
