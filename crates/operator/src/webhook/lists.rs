//! Refuses lists that no schema admits, before anything is done with their items.
//!
//! A mutating webhook is called before the schema is checked, and a client that reaches the webhook
//! without the API server sends what it likes.

use serde_json::Value;

/// Most items of a list. The longest that a definition admits has 128.
const MOST_ITEMS: usize = 256;

/// Most items of all lists of an object together: the sum of what the definitions admit is below it.
const MOST_IN_ALL: usize = 8 * 1024;

/// Returns a message about a spec with too many items, which names the list.
pub(super) fn too_long(object: &Value) -> Option<String> {
    let mut in_all = 0;
    check(object.get("spec")?, "spec", &mut in_all)
}

fn check(value: &Value, path: &str, in_all: &mut usize) -> Option<String> {
    match value {
        Value::Array(items) => {
            *in_all = in_all.saturating_add(items.len());
            if items.len() > MOST_ITEMS {
                return Some(format!(
                    "{path}: {} items, at most {MOST_ITEMS} are allowed; hint: split the object",
                    items.len()
                ));
            }
            if *in_all > MOST_IN_ALL {
                return Some(format!(
                    "spec: more than {MOST_IN_ALL} items in all lists; hint: split the object"
                ));
            }
            items
                .iter()
                .find_map(|item| check(item, &format!("{path}[]"), in_all))
        }
        Value::Object(fields) => fields
            .values()
            .zip(fields.keys())
            .find_map(|(value, name)| match value {
                Value::Array(_) | Value::Object(_) => {
                    // Names come from the request; only those that a definition could have are repeated.
                    let known =
                        name.len() <= 32 && name.chars().all(|one| one.is_ascii_alphanumeric());
                    let name = if known { name } else { "…" };
                    check(value, &format!("{path}.{name}"), in_all)
                }
                _ => None,
            }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MOST_IN_ALL, MOST_ITEMS, too_long};

    #[test]
    fn names_the_list_that_is_too_long() {
        let object = |count: usize| json!({"spec": {"steps": [{"args": vec!["a"; count]}]}});
        assert_eq!(too_long(&object(MOST_ITEMS)), None);
        let message = too_long(&object(MOST_ITEMS + 1)).unwrap();
        assert_eq!(
            message,
            "spec.steps[].args: 257 items, at most 256 are allowed; hint: split the object"
        );
        let many: Vec<Value> = vec![json!(vec![0; MOST_ITEMS]); MOST_IN_ALL / MOST_ITEMS];
        let message = too_long(&json!({"spec": {"lists": many}})).unwrap();
        assert!(message.contains("items in all lists"), "{message}");
        let odd = json!({"spec": {"\u{1b}[31m": vec![0; MOST_ITEMS + 1]}});
        assert!(too_long(&odd).unwrap().starts_with("spec.…: "));
        assert_eq!(too_long(&json!({})), None);
    }
}
