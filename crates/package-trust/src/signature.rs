//! Signatures of packages.
//!
//! Repositories store a [`Signature`] as bytes. A [`PublicKey`] verifies it and returns the signed payload, a
//! [`SignedPayload`]. Whether that matches the package, and whether the key is trusted, is decided by
//! [`trust`](crate::trust).
//!
//! ```text
//! Signature ──PublicKey::verify──> SignedPayload ──Policy::judge──> Verdict
//! ```
//!
//! Every signed payload identifies its kind, so that a signature of one is never accepted for another:
//! statements about packages have a `_type`, indexes an `apiVersion`, cosign images a type.

pub mod cosign;
mod key;
pub mod minisign;
mod model;
mod payload;
pub mod statement;

pub use key::PublicKey;
pub use model::{Fault, Format, IndexFile, KeyError, Signature};
pub use payload::{INDEX_API_VERSION, SignedPayload};
pub use statement::Statement;
