//! Findings as JSON: `{"findings": [...]}`.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::Finding;
use crate::output;

#[derive(JsonSchema, Serialize)]
pub(crate) struct Report<'f> {
    findings: &'f [Finding],
}

pub(crate) fn write(out: &mut Vec<u8>, findings: &[Finding]) -> Result<()> {
    output::json(out, &Report { findings })
}
