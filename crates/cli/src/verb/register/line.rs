//! Builds a record of one service with one endpoint.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Register, credentials, set};

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
