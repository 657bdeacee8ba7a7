//! Simulates sealing, so that objects rendered from files match those of the operator: sealed values are not part of
//! the rendered document.

use extension_registry_core::record::RecordKey;
use extension_registry_seal::{inline_values, with_sealed};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::secrets::Secrets;

/// Replaces literal credentials of a record by placeholders. A record that cannot be sealed is not changed: the
/// checks of records report its problems.
pub(super) fn seal(record: &RecordKey, spec: &Value, secrets: &mut Secrets) -> Value {
    let values = inline_values(spec).unwrap_or_default();
    let texts = values.into_iter().map(|(key, value)| {
        let mut digest = Sha256::new();
        for part in [
            &record.to_string(),
            &key.service,
            &key.credentials,
            &key.entry,
        ] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.update(value.reveal());
        // The operator never creates such a text.
        let text = format!("local.{}", hex::encode(digest.finalize()));
        secrets.add_sealed(&text, value);
        (key, text)
    });
    let texts = texts.collect();
    with_sealed(spec, &texts)
}
