//! Progress bars of transfers.

use extension_registry_core::printable::{Layout, printable};
use extension_registry_packages::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Bytes and rate of a transfer; hidden unless standard error is a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Creates a bar that appears when the transfer starts.
    pub(crate) fn new(what: &str) -> Self {
        let bar =
            ProgressBar::no_length().with_message(printable(what, Layout::OneLine).into_owned());
        // The template is a constant; if it is invalid, the default style is used.
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
