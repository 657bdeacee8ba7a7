//! Workflows and what becomes of them.

mod conflicts;
mod expressions;
mod order;
mod plain_pod;
mod problems;
mod properties;
mod seeds;
mod support;
