//! Keys and entries for the tests.

use std::collections::BTreeMap;

use extension_registry_seal::{EntryKey, Keyring};
use k8s_openapi::ByteString;

/// Creates a keyring; each key repeats one byte, and the last one seals.
pub(crate) fn keyring(keys: &[u8]) -> Keyring {
    let data: BTreeMap<_, _> = keys
        .iter()
        .enumerate()
        .map(|(index, byte)| (format!("key-{index:04}"), ByteString(vec![*byte; 32])))
        .collect();
    Keyring::read(&data).0.unwrap()
}

/// Returns the key of an entry of credentials `main` of service `s3`.
pub(crate) fn entry(name: &str) -> EntryKey {
    EntryKey {
        service: "s3".into(),
        credentials: "main".into(),
        entry: name.into(),
    }
}
