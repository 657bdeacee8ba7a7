//! Report formats for findings, one module each.

pub(crate) mod github;
pub(crate) mod hints;
pub(crate) mod human;
mod place;
pub(crate) mod sarif;
