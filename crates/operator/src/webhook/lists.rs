//! Limits the length of lists before their items are processed.
//!
//! The API server calls mutating webhooks before schema validation, and a client that reaches the webhook
//! without the API server is not validated at all.

use extension_registry_core::diagnostic::explained;
use serde_json::Value;

/// Maximum number of items of a list. The CRDs allow at most 128.
const MAX_ITEMS: usize = 256;

/// Maximum number of items of all lists of an object, above the sum that the CRDs allow.
const MAX_TOTAL: usize = 8 * 1024;

/// Returns a message that names the list if a spec has too many items.
pub(super) fn too_long(object: &Value) -> Option<String> {
    let mut total = 0;
    check(object.get("spec")?, "spec", &mut total)
}

fn check(value: &Value, path: &str, total: &mut usize) -> Option<String> {
    match value {
        Value::Array(items) => {
            *total = total.saturating_add(items.len());
            if items.len() > MAX_ITEMS {
                return Some(explained(
                    &format!(
                        "{path}: {} items, but at most {MAX_ITEMS} are allowed",
                        items.len()
                    ),
                    &["split the object"],
                ));
            }
            if *total > MAX_TOTAL {
                return Some(explained(
                    &format!("spec: more than {MAX_TOTAL} items in all lists together"),
                    &["split the object"],
                ));
            }
            let path = format!("{path}[]");
            items.iter().find_map(|item| check(item, &path, total))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::Array(_) | Value::Object(_) => {
                // Field names come from the request. Quote only those that a CRD could contain.
                let known = name.len() <= 32 && name.chars().all(|one| one.is_ascii_alphanumeric());
                let name = if known { name } else { "…" };
                check(value, &format!("{path}.{name}"), total)
            }
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_ITEMS, MAX_TOTAL, too_long};

    #[test]
    fn names_list_that_is_too_long() {
        let object = |count: usize| json!({"spec": {"steps": [{"args": vec!["a"; count]}]}});
        assert_eq!(too_long(&object(MAX_ITEMS)), None);
        let message = too_long(&object(MAX_ITEMS + 1)).unwrap();
        assert_eq!(
            message,
            "spec.steps[].args: 257 items, but at most 256 are allowed; hint: split the object"
        );
        let many: Vec<Value> = vec![json!(vec![0; MAX_ITEMS]); MAX_TOTAL / MAX_ITEMS];
        let message = too_long(&json!({"spec": {"lists": many}})).unwrap();
        assert!(message.contains("items in all lists"), "{message}");
        let odd = json!({"spec": {"\u{1b}[31m": vec![0; MAX_ITEMS + 1]}});
        assert!(too_long(&odd).unwrap().starts_with("spec.…: "));
        assert_eq!(too_long(&json!({})), None);
    }
}
