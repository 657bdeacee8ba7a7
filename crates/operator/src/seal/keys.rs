//! Keeps the sealing keys current with their Secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_binding::seal::KEYS_SECRET;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::own_secret;
use crate::seal::Keyring;

/// The Secret is read again at most this often for sealed values of an unknown key.
const RETRY: Duration = Duration::from_secs(10);
/// Values are sealed with keys that were read at most this long ago, so that a new key is used soon.
const FRESH: Duration = Duration::from_mins(1);
/// An admission request cannot wait longer for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the keys are needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// To decrypt.
    Open,
    /// To encrypt as well.
    Seal,
}

/// The sealing keys and the Secret that holds them. Nothing is ever written here.
pub(crate) struct SealingKeys {
    api: Api<Secret>,
    place: String,
    keyring: RwLock<Arc<Keyring>>,
    read_at: Mutex<Instant>,
}

impl SealingKeys {
    /// Reads the keys, after creating them at the first start.
    ///
    /// # Errors
    /// When the Secret cannot be read or created, or holds no key.
    pub(crate) async fn load(client: &Client, namespace: &str) -> anyhow::Result<Self> {
        let place = format!("{namespace}/{KEYS_SECRET}");
        let name = new_key_name(Timestamp::now());
        let data = own_secret::read_or_create(client, namespace, KEYS_SECRET, &name).await?;
        let keyring = read(&place, &data).ok_or_else(|| {
            anyhow::anyhow!("Secret {place} holds no key of 32 bytes; restore it, or delete it and apply all sealed values again")
        })?;
        Ok(Self {
            api: Api::namespaced(client.clone(), namespace),
            place,
            keyring: RwLock::new(Arc::new(keyring)),
            read_at: Mutex::new(Instant::now()),
        })
    }

    /// Returns the keys for these sealed values. The Secret is read again if the key of one is unknown
    /// or the keys are too old for sealing, but only so often, whatever is asked for.
    pub(crate) async fn keyring(
        &self,
        mut texts: impl Iterator<Item = &str>,
        wanted: Use,
    ) -> Arc<Keyring> {
        let known = Arc::clone(&self.keyring.read());
        let has_all = texts.all(|text| known.has_key_of(text));
        if has_all && wanted == Use::Open {
            return known;
        }
        let mut read_at = self.read_at.lock().await;
        let pause = if has_all { FRESH } else { RETRY };
        if read_at.elapsed() >= pause {
            self.read().await;
            *read_at = Instant::now();
        }
        Arc::clone(&self.keyring.read())
    }

    /// Takes over what the Secret holds. Where that is nothing, the known keys stay in use.
    async fn read(&self) {
        let answer = tokio::time::timeout(PATIENCE, self.api.get_opt(KEYS_SECRET)).await;
        match answer {
            Ok(Ok(Some(secret))) => {
                let data = secret.data.unwrap_or_default();
                if let Some(keyring) = read(&self.place, &data) {
                    *self.keyring.write() = Arc::new(keyring);
                }
            }
            Ok(Ok(None)) => tracing::warn!(secret = self.place, "the sealing keys are gone"),
            Ok(Err(error)) => {
                let error = Error::secret("read the sealing keys", &error);
                tracing::warn!(%error, "the known sealing keys stay in use");
            }
            Err(_) => tracing::warn!(
                secret = self.place,
                "timeout; the known sealing keys stay in use"
            ),
        }
    }
}

/// Returns the name of a key that is created now. The greatest name seals, so a later key has a greater
/// one; and a backup of lost keys can be applied beside the key that was created in their place.
fn new_key_name(now: Timestamp) -> String {
    format!("key-{}", now.strftime("%Y%m%d%H%M%S"))
}

fn read(place: &str, data: &BTreeMap<String, ByteString>) -> Option<Keyring> {
    let (keyring, invalid) = Keyring::read(data);
    if !invalid.is_empty() {
        tracing::warn!(secret = place, entries = ?invalid, "not keys of 32 bytes, ignored");
    }
    keyring
}
