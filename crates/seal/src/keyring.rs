//! Encrypts a value so that it can only be decrypted for its entry of its record.
//!
//! A sealed value is the text `v1.<key id>.<base64url without padding>`. The key id is the first 8 hex
//! digits of the SHA-256 of the key. The bytes are a random nonce of 24 bytes and the ciphertext of
//! XChaCha20-Poly1305 with its tag.
//!
//! - The associated data is `registry.fuseml.io/sealed/v1`, then kind, namespace (empty for a
//!   `ClusterExtension`) and name of the record, service, credentials and entry, each preceded by its
//!   length in 8 bytes, big-endian.
//! - The plaintext is the SHA-256 of the name of the user who supplied the value, the length of the
//!   value in 4 bytes, big-endian, the value, and zeros up to a multiple of 64 bytes, so that the
//!   length of a short value is not revealed.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use k8s_openapi::ByteString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::walk::EntryKey;

const VERSION: &str = "v1";
const PURPOSE: &str = "registry.fuseml.io/sealed/v1";
const ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 24;
const HASH_LENGTH: usize = 32;
const BLOCK: usize = 64;

/// The sealing keys. The last one seals; all of them open.
pub struct Keyring(Vec<Key>);

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// A decrypted value.
pub struct OpenedValue {
    /// The value.
    pub value: Sensitive,
    author: [u8; HASH_LENGTH],
}

/// A failed encryption.
#[derive(Debug, thiserror::Error)]
#[error("failed to encrypt a value: {0}")]
pub struct SealError(String);

/// The user who supplied a value.
#[derive(Clone, Copy)]
pub enum Author<'a> {
    /// The user of this name.
    User(&'a str),
    /// The same user as before.
    Same(&'a OpenedValue),
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| &key.id);
        formatter.debug_list().entries(ids).finish()
    }
}

impl Keyring {
    /// Reads the keys of the Secret, ordered by name; `None` if none is valid. Also returns the names of
    /// invalid entries.
    #[must_use]
    pub fn read(data: &BTreeMap<String, ByteString>) -> (Option<Self>, Vec<&str>) {
        let mut keys = Vec::new();
        let mut invalid = Vec::new();
        for (name, bytes) in data {
            match XChaCha20Poly1305::new_from_slice(&bytes.0) {
                Ok(cipher) => keys.push(Key {
                    id: hex::encode(Sha256::digest(&bytes.0))[..ID_LENGTH].to_owned(),
                    cipher,
                }),
                Err(_) => invalid.push(name.as_str()),
            }
        }
        ((!keys.is_empty()).then_some(Self(keys)), invalid)
    }

    /// Returns whether the key of a sealed value is known; `true` if the text is not a sealed value.
    #[must_use]
    pub fn has_key_for(&self, text: &str) -> bool {
        parse(text).is_none_or(|(id, _)| self.key(id).is_some())
    }

    /// Returns whether a value is sealed with the current key.
    #[must_use]
    pub fn is_current(&self, text: &str) -> bool {
        let current = self.0.last().map(|key| key.id.as_str());
        parse(text).map(|(id, _)| id) == current
    }

    /// Encrypts a value for an entry of a record.
    ///
    /// # Errors
    /// If the system provides no random bytes.
    pub fn seal(
        &self,
        record: &RecordKey,
        entry: &EntryKey,
        author: Author<'_>,
        value: &Sensitive,
    ) -> Result<String, SealError> {
        let failed = |error: &dyn fmt::Display| SealError(error.to_string());
        let mut sealed = vec![0; NONCE_LENGTH];
        getrandom::fill(&mut sealed).map_err(|error| failed(&error))?;
        let nonce = XNonce::try_from(sealed.as_slice()).map_err(|error| failed(&error))?;
        let author = match author {
            Author::User(name) => hash_user(name),
            Author::Same(opened) => opened.author,
        };
        let value = value.reveal().as_bytes();
        let length = u32::try_from(value.len()).map_err(|error| failed(&error))?;
        let mut plain = [&author, length.to_be_bytes().as_slice(), value].concat();
        plain.resize(plain.len().next_multiple_of(BLOCK), 0);
        let key = self.0.last().ok_or_else(|| failed(&"no key"))?;
        let payload = Payload {
            msg: &plain,
            aad: &associated(record, entry),
        };
        let encrypted = key.cipher.encrypt(&nonce, payload);
        sealed.extend(encrypted.map_err(|error| failed(&error))?);
        let encoded = URL_SAFE_NO_PAD.encode(sealed);
        Ok(format!("{VERSION}.{}.{encoded}", key.id))
    }

    /// Decrypts a sealed value; `None` if its key is unknown, it was modified, or it was sealed for another
    /// record or entry.
    #[must_use]
    pub fn open(&self, record: &RecordKey, entry: &EntryKey, text: &str) -> Option<OpenedValue> {
        let (id, encoded) = parse(text)?;
        let sealed = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (nonce, encrypted) = sealed.split_at_checked(NONCE_LENGTH)?;
        let payload = Payload {
            msg: encrypted,
            aad: &associated(record, entry),
        };
        let nonce = XNonce::try_from(nonce).ok()?;
        let plain = self.key(id)?.cipher.decrypt(&nonce, payload).ok()?;
        let (author, rest) = plain.split_first_chunk::<HASH_LENGTH>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let value = std::str::from_utf8(rest.get(..length)?).ok()?;
        Some(OpenedValue {
            value: Sensitive::new(value),
            author: *author,
        })
    }

    fn key(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl OpenedValue {
    /// Returns whether a user supplied the value.
    #[must_use]
    pub fn is_by(&self, user: &str) -> bool {
        self.author.ct_eq(&hash_user(user)).into()
    }

    /// Compares the values in constant time.
    #[must_use]
    pub fn equals(&self, value: &Sensitive) -> bool {
        let hash = |value: &Sensitive| -> [u8; HASH_LENGTH] {
            Sha256::digest(value.reveal().as_bytes()).into()
        };
        hash(&self.value).ct_eq(&hash(value)).into()
    }
}

/// Returns key id and encoded bytes.
fn parse(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(VERSION)?
        .strip_prefix('.')?
        .split_once('.')
}

fn hash_user(name: &str) -> [u8; HASH_LENGTH] {
    Sha256::digest(name.as_bytes()).into()
}

fn associated(record: &RecordKey, entry: &EntryKey) -> Vec<u8> {
    let parts = [
        PURPOSE,
        record.kind().as_str(),
        record.namespace.as_deref().unwrap_or_default(),
        &record.name,
        &entry.service,
        &entry.credentials,
        &entry.entry,
    ];
    let with_length = |part: &str| {
        let length = (part.len() as u64).to_be_bytes();
        [length.as_slice(), part.as_bytes()].concat()
    };
    parts.into_iter().flat_map(with_length).collect()
}
