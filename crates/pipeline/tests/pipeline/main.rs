//! Checks and pipelines of workflows.

#![expect(clippy::expect_used, clippy::panic, reason = "test helpers")]

mod conflicts;
mod expressions;
mod lint;
mod order;
mod plain_pod;
mod problems;
mod properties;
mod records;
mod run;
mod seeds;
mod support;
