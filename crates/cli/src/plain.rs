//! Values of records that stand in plain `configuration`, where whoever sees the record reads them.

use extension_registry_api::extension::ConfigurationEntry;
use extension_registry_core::lookalike;
use serde_json::Value;

use crate::draft::items;
use crate::finding::Finding;
use crate::output;
use crate::world::RecordEntry;

/// Warns of those that look like credentials. It is no error: the minimal form of a record has no other place
/// for them.
pub(crate) fn warn(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    let mut look = |entries: &[ConfigurationEntry], around: &str| {
        for (index, one) in entries.iter().enumerate() {
            if !lookalike::is_credential(&one.name, one.value.reveal()) {
                continue;
            }
            let field = format!("{around}.configuration[{index}].value");
            findings.push(entry.origin.warning("plain-credential", &field).says(
                format!(
                    "`{}` looks like a credential, and whoever sees the record can read it",
                    one.name
                ),
                "keep it in a Secret, and refer to that under `credentials` of a service",
            ));
        }
    };
    look(&entry.spec.configuration, "spec");
    for (at, service) in entry.spec.services.iter().enumerate() {
        let around = format!("spec.services[{at}]");
        look(&service.configuration, &around);
        for (at, endpoint) in service.endpoints.iter().enumerate() {
            look(
                &endpoint.configuration,
                &format!("{around}.endpoints[{at}]"),
            );
        }
    }
}

/// Takes out of an object what looks like a credential.
pub(crate) fn redact(object: &mut Value) {
    entries(object.get_mut("spec"));
    for service in items(object.get_mut("spec"), "services") {
        entries(Some(service));
        for endpoint in items(Some(service), "endpoints") {
            entries(Some(endpoint));
            if let Some(Value::String(url)) = endpoint.get_mut("url") {
                *url = lookalike::without_credentials(url);
            }
        }
    }
}

fn entries(around: Option<&mut Value>) {
    for entry in items(around, "configuration") {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        if lookalike::is_credential(text("name"), text("value")) {
            entry["value"] = output::REDACTED.into();
        }
    }
}
