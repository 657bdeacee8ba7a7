//! The local cache of packages, and the index of a repository with its recorded state.
//!
//! [`cache`] is addressed by content and safe for concurrent processes. [`index`] verifies the list of packages of a
//! repository, and records its serial number on disk to detect a rollback.

pub mod cache;
pub mod index;
