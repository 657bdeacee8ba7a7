//! Sealing: the webhook encrypts the values that people write into the credentials of a record, and
//! the operator decrypts them when it renders. ADR 0002 has the reasons.
//!
//! [`keyring`] encrypts and decrypts, [`keys`] keeps the keys current, [`record`] decides what becomes
//! of a request, [`limit`] limits guesses and [`last_applied`] cleans the annotation of `kubectl apply`.

mod keyring;
mod keys;
mod last_applied;
mod limit;
mod record;

pub(crate) use keyring::Keyring;
pub(crate) use keys::{SealingKeys, Use};
pub(crate) use last_applied::{LastApplied, rewrite};
pub(crate) use limit::GuessLimit;
pub(crate) use record::{Request, Sealed, seal};

#[cfg(test)]
mod fixtures {
    use std::collections::BTreeMap;

    use extension_registry_binding::seal::EntryKey;
    use k8s_openapi::ByteString;

    use super::Keyring;

    /// Keys of these bytes; the last one seals.
    pub(super) fn keyring(keys: &[u8]) -> Keyring {
        let data: BTreeMap<_, _> = keys
            .iter()
            .enumerate()
            .map(|(index, byte)| (format!("key-{index:04}"), ByteString(vec![*byte; 32])))
            .collect();
        Keyring::read(&data).0.unwrap()
    }

    /// An entry of credentials `main` of service `s3`.
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
