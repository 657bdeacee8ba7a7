//! Loads and reloads the sealing keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_registry_core::diagnostic::explained;
use extension_registry_runtime::error::Error;
use extension_registry_runtime::own_secret;
use extension_registry_seal::{KEYS_SECRET, Keyring};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};
use parking_lot::RwLock;
use tokio::sync::Mutex;

/// Minimum interval between reloads for sealed values with an unknown key.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum age of the keys for sealing, so that a new key is used soon.
const MAX_AGE: Duration = Duration::from_mins(1);
/// Timeout of a reload, bounded by the timeout of admission requests.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// What the keys are used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// To decrypt.
    Open,
    /// To encrypt as well.
    Seal,
}

/// The sealing keys and the Secret that contains them.
pub(crate) struct SealingKeys {
    api: Api<Secret>,
    secret: String,
    keyring: RwLock<Arc<Keyring>>,
    read_at: Mutex<Instant>,
}

impl SealingKeys {
    /// Loads the keys and creates them on the first start.
    ///
    /// # Errors
    /// If the Secret cannot be read or created, or contains no valid key.
    pub(crate) async fn load(client: &Client, namespace: &str) -> anyhow::Result<Self> {
        let secret = format!("{namespace}/{KEYS_SECRET}");
        let name = new_key_name(Timestamp::now());
        let data = own_secret::read_or_create(client, namespace, KEYS_SECRET, &name).await?;
        let keyring = read(&secret, &data).ok_or_else(|| {
            anyhow::Error::msg(explained(
                &format!("invalid Secret {secret}: expected at least one 32-byte key"),
                &["restore the Secret, or delete it and reapply every record that contains sealed values, with `value` instead of `valueFrom`"],
            ))
        })?;
        Ok(Self {
            api: Api::namespaced(client.clone(), namespace),
            secret,
            keyring: RwLock::new(Arc::new(keyring)),
            read_at: Mutex::new(Instant::now()),
        })
    }

    /// Returns the keys for these sealed values. Reloads the Secret, at a limited rate, if a key is unknown or
    /// the keys are too old for sealing.
    pub(crate) async fn keyring(
        &self,
        mut texts: impl Iterator<Item = &str>,
        key_use: KeyUse,
    ) -> Arc<Keyring> {
        let known = Arc::clone(&self.keyring.read());
        let has_all = texts.all(|text| known.has_key_for(text));
        if has_all && key_use == KeyUse::Open {
            return known;
        }
        let mut read_at = self.read_at.lock().await;
        let interval = if has_all { MAX_AGE } else { RELOAD_INTERVAL };
        if read_at.elapsed() >= interval {
            self.reload().await;
            *read_at = Instant::now();
        }
        Arc::clone(&self.keyring.read())
    }

    /// Reloads the keys. On failure, or if the Secret contains no valid key, the loaded keys stay in use.
    async fn reload(&self) {
        let response = tokio::time::timeout(READ_TIMEOUT, self.api.get_opt(KEYS_SECRET)).await;
        match response {
            Ok(Ok(Some(secret))) => {
                let data = secret.data.unwrap_or_default();
                if let Some(keyring) = read(&self.secret, &data) {
                    *self.keyring.write() = Arc::new(keyring);
                }
            }
            Ok(Ok(None)) => {
                tracing::warn!(
                    secret = self.secret,
                    "Secret with the sealing keys not found; still using the previously loaded keys"
                );
            }
            Ok(Err(error)) => {
                let error = Error::secret("read the sealing keys", &error);
                tracing::warn!(%error, "failed to reload the sealing keys; still using the previously loaded keys");
            }
            Err(_) => tracing::warn!(
                secret = self.secret,
                "timed out reloading the sealing keys; still using the previously loaded keys"
            ),
        }
    }
}

/// Returns the name of a new key. The key whose name sorts last is used for sealing, so a later key needs a
/// name that sorts after it. A backup of lost keys can be applied beside the key that replaced them.
fn new_key_name(now: Timestamp) -> String {
    format!("key-{}", now.strftime("%Y%m%d%H%M%S"))
}

fn read(secret: &str, data: &BTreeMap<String, ByteString>) -> Option<Keyring> {
    let (keyring, invalid) = Keyring::read(data);
    if !invalid.is_empty() {
        tracing::warn!(secret, entries = ?invalid, "ignoring entries that are not 32-byte keys");
    }
    keyring
}
