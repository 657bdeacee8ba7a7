//! Local cache of packages, and the index of a repository.

pub mod cache;
pub mod index;
