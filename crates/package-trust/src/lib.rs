//! Signatures of packages, and which of them are trusted.

pub mod signature;
pub mod trust;
