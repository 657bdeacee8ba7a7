//! Skipping of tests that cannot run everywhere.

use std::env;

use anyhow::{Result, bail};

use crate::progress::print_line;

/// Variable that makes skipped tests fail if set to `1`.
pub const REQUIRE_NODE_VARIABLE: &str = "EXTENSION_REGISTRY_REQUIRE_NODE";

/// Reports that a test, or a part of one, is skipped. The line is printed even if the output of tests is captured.
///
/// # Errors
///
/// If `EXTENSION_REGISTRY_REQUIRE_NODE` is `1`.
pub fn skip(test: &str, why: &str) -> Result<()> {
    if env::var_os(REQUIRE_NODE_VARIABLE).is_some_and(|value| value == "1") {
        bail!("{test} cannot run, but {REQUIRE_NODE_VARIABLE} is set: {why}");
    }
    skip_part(test, why);
    Ok(())
}

/// Reports that a part of a test is skipped, regardless of the setting. The line is printed even if the output of
/// tests is captured.
pub fn skip_part(part: &str, why: &str) {
    print_line(&format!("SKIPPED: {part}: {why}"));
}
