//! Sealing as the operator does it where it is set to, so that what is rendered from files is what a
//! cluster would have: a sealed value is no part of the rendered document.

use extension_registry_binding::ObjectKey;
use extension_registry_binding::seal;
use extension_registry_core::hex::hex;
use extension_registry_core::record::RecordKey;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::secrets::Secrets;

/// Moves the values of a record into sealed Secrets. A record that cannot be sealed stays as it is:
/// what is wrong with it, the checks of records say.
pub(super) fn seal(
    record: &RecordKey,
    spec: Value,
    secrets: &mut Secrets,
    records_namespace: &str,
) -> Value {
    let plan = seal::plan(&digest, record, &spec);
    for secret in &plan.secrets {
        let place = ObjectKey::new(records_namespace, secret.name.as_str());
        secrets.insert(place, secret.object(record));
    }
    plan.spec.unwrap_or(spec)
}

/// No key: the names are in the memory of this program only.
fn digest(parts: Vec<&[u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}
