//! Tests that cannot run everywhere, and say so.

use std::env;

use anyhow::{Result, bail};

use crate::progress::say;

/// The variable that, set to `1`, turns a skipped test into a failed one.
pub const REQUIRE_NODE_VARIABLE: &str = "EXTENSION_REGISTRY_REQUIRE_NODE";

/// Says that a test, or a part of one, did not run and why. The line is shown also where the output of tests is captured.
///
/// # Errors
///
/// When `EXTENSION_REGISTRY_REQUIRE_NODE` is `1`.
pub fn skip(test: &str, why: &str) -> Result<()> {
    if env::var_os(REQUIRE_NODE_VARIABLE).is_some_and(|value| value == "1") {
        bail!("{test} cannot run, but {REQUIRE_NODE_VARIABLE} is set: {why}");
    }
    leave_out(test, why);
    Ok(())
}

/// Says that a part of a test did not run and why, where no setting can demand it. The line is shown also where the
/// output of tests is captured.
pub fn leave_out(part: &str, why: &str) {
    say(&format!("SKIPPED: {part}: {why}"));
}
