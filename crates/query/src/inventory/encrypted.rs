//! Objects that SOPS encrypted: their encrypted values are not known here.

use extension_registry_core::diagnostic::Note;
use serde_json::{Value, json};

use super::source::UNKNOWN;

/// Hint for an encrypted object that a command cannot use.
pub(super) const DECRYPT: &str = "decrypt it first: `sops --decrypt FILE`";

/// Returns whether SOPS encrypted an object: it then has the field `sops` beside `apiVersion`.
pub(super) fn is_encrypted(object: &Value) -> bool {
    let metadata = object.get("sops").and_then(Value::as_object);
    metadata.is_some_and(|sops| sops.contains_key("mac") || sops.contains_key("lastmodified"))
}

/// Returns the note on encrypted objects, if there are any.
pub(super) fn note(objects: &[String]) -> Option<Note> {
    const NAMED: usize = 5;
    let names = objects.iter().take(NAMED).map(String::as_str);
    let mut names = names.collect::<Vec<_>>().join(", ");
    if let Some(others @ 1..) = objects.len().checked_sub(NAMED) {
        names = format!("{names} and {others} more");
    }
    let note = Note::new(format!(
        "encrypted values were not checked: SOPS encrypted the object at {names}"
    ));
    (!objects.is_empty()).then(|| {
        note.hint("apply it with Flux, which decrypts it, or with `sops --decrypt FILE | kubectl apply -f -`")
    })
}

/// Removes the metadata of SOPS, replaces encrypted values by placeholders of their type, and returns their fields.
pub(super) fn take(object: &mut Value) -> Vec<String> {
    let mut fields = Vec::new();
    if let Value::Object(object) = object {
        object.remove("sops");
    }
    replace(object, String::new(), &mut fields);
    // A placeholder is not base64.
    for field in &fields {
        if let Some(key) = field.strip_prefix("data.")
            && object["kind"] == "Secret"
        {
            object["data"][key] = Value::Null;
            object["stringData"][key] = UNKNOWN.into();
        }
    }
    fields
}

fn replace(value: &mut Value, field: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let field = if field.is_empty() {
                    name.clone()
                } else {
                    format!("{field}.{name}")
                };
                replace(value, field, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                replace(item, format!("{field}[{index}]"), found);
            }
        }
        Value::String(text) => {
            if let Some(placeholder) = placeholder(text) {
                *value = placeholder;
                found.push(field);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the placeholder of an encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:str]`.
fn placeholder(text: &str) -> Option<Value> {
    let inner = text.strip_prefix("ENC[")?.strip_suffix(']')?;
    let (_, kind) = inner.rsplit_once(",type:")?;
    Some(match kind {
        "bool" => json!(false),
        "int" | "float" => json!(0),
        _ => json!(UNKNOWN),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_encrypted, take};

    #[test]
    fn encrypted_values_become_placeholders() {
        let encrypted = |kind: &str| format!("ENC[AES256_GCM,data:x,iv:y,tag:z,type:{kind}]");
        let mut object = json!({
            "spec": {"default": encrypted("bool"), "list": ["plain", encrypted("str")], "size": encrypted("int")},
            "sops": {"mac": encrypted("str"), "lastmodified": "2026-01-01T00:00:00Z"},
        });
        assert!(is_encrypted(&object));
        let fields = take(&mut object);
        assert_eq!(fields, ["spec.default", "spec.list[1]", "spec.size"]);
        assert!(!is_encrypted(&object));
        let expected =
            json!({"spec": {"default": false, "list": ["plain", "[not in the files]"], "size": 0}});
        assert_eq!(object, expected);
        assert!(!is_encrypted(&json!({"sops": "a field of that name"})));
    }

    #[test]
    fn keys_of_encrypted_secret_are_known() {
        let mut secret = json!({
            "kind": "Secret",
            "data": {"token": "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"},
            "sops": {"mac": "x"},
        });
        take(&mut secret);
        assert_eq!(secret["stringData"]["token"], "[not in the files]");
    }
}
