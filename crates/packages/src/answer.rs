//! Answers to questions about packages and repositories, as types with the published schemas. The command line prints
//! them, and the web UI shows them. They are built from what a [`Catalog`](crate::catalog::Catalog) returned.

pub mod docs;
pub mod info;
mod kind;
pub mod list;
pub mod repositories;
pub mod versions;

pub use kind::{is_supported, type_for_people};
