//! A record of one service with one endpoint.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Register, credentials, set};

pub(super) fn spec(verb: &Register, name: &str) -> Result<Value> {
    let mut spec = offered(verb, name);
    if let Some(credentials) = credentials(verb)? {
        spec["services"][0]["credentials"] = credentials;
    }
    Ok(spec)
}

/// The same, without its credentials.
pub(super) fn offered(verb: &Register, name: &str) -> Value {
    let service = verb.service.as_deref().or(verb.resource.as_deref());
    let kind = if verb.internal {
        "internal"
    } else {
        "external"
    };
    let endpoint = json!({"name": "main", "url": verb.url, "type": kind});
    let mut offered = json!({"name": service.unwrap_or(name), "endpoints": [endpoint]});
    set(&mut offered, "resource", verb.resource.as_deref());
    set(&mut offered, "category", verb.category.as_deref());
    json!({"product": name, "services": [offered]})
}
