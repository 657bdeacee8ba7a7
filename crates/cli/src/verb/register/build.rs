//! Builds records from flags.

use anyhow::Result;
use serde_json::{Value, json};

use super::arguments::{Register, set};

/// Builds the spec of one service with one endpoint.
pub(super) fn spec(verb: &Register, name: &str) -> Result<Value> {
    let mut spec = without_credentials(verb, name);
    if let Some(credentials) = credentials(verb)? {
        spec["services"][0]["credentials"] = credentials;
    }
    Ok(spec)
}

/// Builds the record without credentials.
pub(super) fn without_credentials(verb: &Register, name: &str) -> Value {
    let service = verb.service.as_deref().or(verb.resource.as_deref());
    let kind = if verb.internal {
        "internal"
    } else {
        "external"
    };
    let endpoint = json!({"name": "main", "url": verb.url, "type": kind});
    let mut service_spec = json!({"name": service.unwrap_or(name), "endpoints": [endpoint]});
    set(&mut service_spec, "resource", verb.resource.as_deref());
    set(&mut service_spec, "category", verb.category.as_deref());
    json!({"product": name, "services": [service_spec]})
}

/// Builds a set of credentials for everyone; None without --credential.
pub(super) fn credentials(verb: &Register) -> Result<Option<Value>> {
    if verb.credentials.is_empty() {
        return Ok(None);
    }
    let mut configuration = Vec::new();
    for credential in &verb.credentials {
        configuration.push(credential.read()?.named(&credential.key));
    }
    let set = json!({"name": "main", "scope": "global", "configuration": configuration});
    Ok(Some(json!([set])))
}
