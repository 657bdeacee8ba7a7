//! Report formats for findings, one module each.

pub(crate) mod github;
pub(crate) mod hints;
pub(crate) mod human;
pub(crate) mod sarif;
