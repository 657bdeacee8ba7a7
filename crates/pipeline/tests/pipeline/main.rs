//! Workflows and what becomes of them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod conflicts;
mod doubts;
mod expressions;
mod order;
mod plain_pod;
mod problems;
mod properties;
mod records;
mod run;
mod seeds;
mod support;
