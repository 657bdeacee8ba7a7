//! Sealing as the operator does it where it is configured to, so that what is rendered from files is what
//! a cluster would have: a sealed value is not a part of the rendered document.

use extension_registry_binding::seal::{inline_values, with_sealed};
use extension_registry_core::hex::hex;
use extension_registry_core::record::RecordKey;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::secrets::Secrets;

/// Replaces the values of a record by texts that stand for them in this program. A record that cannot
/// be sealed stays as it is: the checks of records report what is wrong with it.
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
        // No operator makes such a text.
        let text = format!("local.{}", hex(&digest.finalize()));
        secrets.add_sealed(&text, value);
        (key, text)
    });
    let texts = texts.collect();
    with_sealed(spec, &texts)
}
