//! Credentials in plain `configuration` of records, where everyone who can read the record can read them.

use extension_registry_api::extension::ConfigurationEntry;
use extension_registry_core::lookalike;
use serde_json::Value;

use crate::draft::items;
use crate::finding::Finding;
use crate::inventory::RecordEntry;
use crate::output;

/// Warns of entries that look like credentials. It is not an error, because the minimal form of a record has no
/// other field for them.
pub(crate) fn warn(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    let mut check = |entries: &[ConfigurationEntry], path: &str| {
        for (index, one) in entries.iter().enumerate() {
            if !lookalike::is_credential(&one.name, one.value.reveal()) {
                continue;
            }
            let field = format!("{path}.configuration[{index}].value");
            findings.push(entry.origin.warning("plain-credential", &field).message(
                format!(
                    "`{}` looks like a credential, and everyone who can read the record can read its value",
                    one.name
                ),
                "move it to a Secret, and reference it under `credentials` of a service",
            ));
        }
    };
    check(&entry.spec.configuration, "spec");
    for (at, service) in entry.spec.services.iter().enumerate() {
        let path = format!("spec.services[{at}]");
        check(&service.configuration, &path);
        for (at, endpoint) in service.endpoints.iter().enumerate() {
            check(&endpoint.configuration, &format!("{path}.endpoints[{at}]"));
        }
    }
}

/// Redacts values of an object that look like credentials.
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

fn entries(parent: Option<&mut Value>) {
    for entry in items(parent, "configuration") {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        if lookalike::is_credential(text("name"), text("value")) {
            entry["value"] = output::REDACTED.into();
        }
    }
}
