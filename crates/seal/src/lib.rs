//! Sealed values: the webhook encrypts credential values in a record, and the operator decrypts them when
//! it renders a Secret. ADR 0002 explains the design.
//!
//! [`Keyring`] encrypts and decrypts, [`seal`] seals the values of a request, [`GuessLimiter`] rate-limits
//! guesses, and [`rewrite`] redacts the annotation of `kubectl apply`. [`entries`] lists the credential
//! entries in the JSON of a record, and [`ownership`] keeps the managed fields in line with it. The crate uses Kubernetes types, but no client.

mod keyring;
mod last_applied;
mod limit;
mod owner;
pub mod ownership;
mod record;
mod values;
mod walk;

pub use keyring::{Author, Keyring, OpenedValue, SealError};
pub use last_applied::{LastApplied, rewrite};
pub use limit::GuessLimiter;
pub use owner::{RECORD_KIND, RECORD_NAME, RECORD_NAMESPACE, Seal, record_of};
pub use record::{Request, SealOutcome, seal};
pub use values::{inline_values, with_sealed};
pub use walk::{Entry, EntryKey, entries, inline_entries, references};

/// Name of the Secret with the encryption keys of sealed values, in the namespace of the operator.
pub const KEYS_SECRET: &str = "extension-registry-sealing-keys";

/// Hint for a sealed value that cannot be decrypted.
pub const RESEAL: &str = "apply the record again with `value` instead of `valueFrom`";
