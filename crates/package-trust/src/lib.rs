//! Signatures of packages, and the policy that decides which of them are trusted.
//!
//! [`signature`] verifies what a key signed; [`trust`] decides whether that is enough for a package. Both are pure:
//! they depend on neither clock, network nor kind of repository.

pub mod signature;
pub mod trust;
