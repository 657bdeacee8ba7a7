//! Sealed values: the webhook encrypts credential values in a record, and the operator decrypts them when
//! it renders a Secret. ADR 0002 explains the design.
//!
//! [`keyring`] encrypts and decrypts, [`keys`] loads the keys, [`record`] seals the values of a request,
//! [`limit`] rate-limits guesses and [`last_applied`] redacts the annotation of `kubectl apply`.

mod keyring;
mod keys;
mod last_applied;
mod limit;
mod record;

pub(crate) use keyring::Keyring;
pub(crate) use keys::{KeyUse, SealingKeys};
pub(crate) use last_applied::{LastApplied, rewrite};
pub(crate) use limit::GuessLimiter;
pub(crate) use record::{Request, SealOutcome, seal};

#[cfg(test)]
mod fixtures {
    use std::collections::BTreeMap;

    use extension_registry_render::seal::EntryKey;
    use k8s_openapi::ByteString;

    use super::Keyring;

    /// Creates a keyring; each key repeats one byte, and the last one seals.
    pub(super) fn keyring(keys: &[u8]) -> Keyring {
        let data: BTreeMap<_, _> = keys
            .iter()
            .enumerate()
            .map(|(index, byte)| (format!("key-{index:04}"), ByteString(vec![*byte; 32])))
            .collect();
        Keyring::read(&data).0.unwrap()
    }

    /// Returns the key of an entry of credentials `main` of service `s3`.
    pub(super) fn entry(name: &str) -> EntryKey {
        EntryKey {
            service: "s3".into(),
            credentials: "main".into(),
            entry: name.into(),
        }
    }
}

#[cfg(test)]
mod tests;
