//! Reads a Secret as the API server does.

use extension_registry_core::diagnostic::Diagnostic;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Map, Value};

/// Placeholder for unknown values.
pub(super) const UNKNOWN: &str = "[not in the files]";

/// Rule of a Secret that the API server rejects.
const RULE: &str = "invalid-secret";

/// Maximum size of the data of a Secret in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Maximum length of a key.
const MAX_KEY: usize = 253;

/// Reads a Secret. An invalid value is reported, and is unknown. Messages contain no values.
pub(super) fn read(mut value: Value) -> (Option<Secret>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut data = Vec::new();
    for (field, decode) in [
        ("data", decode as fn(&Value) -> Result<Vec<u8>, Invalid>),
        ("stringData", text),
    ] {
        let taken = value.get_mut(field).map(Value::take).unwrap_or_default();
        for (key, value) in mapping(field, taken, &mut problems) {
            let field = format!("{field}.{key}");
            if !is_key(&key) {
                problems.push(Diagnostic::error(
                    RULE,
                    &field,
                    "invalid key",
                    "use at most 253 letters, digits, `-`, `_` or `.`",
                ));
            }
            let bytes = decode(&value).unwrap_or_else(|(message, hint)| {
                problems.push(Diagnostic::error(RULE, field, message, hint));
                UNKNOWN.into()
            });
            data.push((key, bytes));
        }
    }
    let size: usize = data.iter().map(|(_, bytes)| bytes.len()).sum();
    if size > MAX_BYTES {
        let message = format!("too large: {size} bytes (limit {MAX_BYTES})");
        problems.push(Diagnostic::error(
            RULE,
            "data",
            message,
            "use fewer or shorter values",
        ));
    }
    let mut secret = serde_json::from_value::<Secret>(value).ok();
    if let Some(secret) = &mut secret {
        // The API server lets `stringData` replace keys of `data`.
        let data = data.into_iter();
        secret.data = Some(data.map(|(key, bytes)| (key, ByteString(bytes))).collect());
        secret.string_data = None;
    } else {
        problems.push(Diagnostic::error(
            RULE,
            "",
            "does not match the schema of kind Secret",
            "run `kubectl apply --dry-run=server -f FILE` to find the field",
        ));
    }
    (secret, problems)
}

/// Message and hint of an invalid value.
type Invalid = (&'static str, &'static str);

fn mapping(field: &str, value: Value, problems: &mut Vec<Diagnostic>) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => {
            problems.push(Diagnostic::error(
                RULE,
                field,
                "must be a mapping",
                "write each key with its value",
            ));
            Map::new()
        }
    }
}

/// Decodes base64. As in Go, line breaks are ignored, and null is empty.
fn decode(value: &Value) -> Result<Vec<u8>, Invalid> {
    let text = match value {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => text,
        _ => return Err(("must be a string", "quote it")),
    };
    let text = Value::String(text.replace(['\r', '\n'], ""));
    let decoded = serde_json::from_value::<ByteString>(text);
    decoded.map(|bytes| bytes.0).map_err(|_| {
        (
            "not valid base64",
            "encode the value with `base64`, or write it as it is under `stringData`",
        )
    })
}

fn text(value: &Value) -> Result<Vec<u8>, Invalid> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.clone().into_bytes()),
        _ => Err(("must be a string", "quote it")),
    }
}

fn is_key(key: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_KEY).contains(&key.len())
        && key.bytes().all(is_allowed)
        && key != "."
        && !key.starts_with("..")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;

    fn problems(secret: Value) -> Vec<String> {
        let (_, problems) = read(secret);
        let problems = problems.into_iter();
        problems
            .map(|problem| format!("{}: {}", problem.field, problem.message))
            .collect()
    }

    #[test]
    fn values_are_decoded_as_by_api_server() {
        let secret = json!({
            "data": {"wrapped": "aGVs\nbG8=\r\n", "empty": "", "null": null, "replaced": "YQ=="},
            "stringData": {"text": "two\nlines", "replaced": "b"},
        });
        let (secret, problems) = read(secret);
        assert!(problems.is_empty(), "{problems:?}");
        let data = secret.unwrap().data.unwrap();
        let data: Vec<(&str, &[u8])> = data
            .iter()
            .map(|(key, value)| (key.as_str(), &*value.0))
            .collect();
        let expected: [(&str, &[u8]); 5] = [
            ("empty", b""),
            ("null", b""),
            ("replaced", b"b"),
            ("text", b"two\nlines"),
            ("wrapped", b"hello"),
        ];
        assert_eq!(data, expected);
    }

    #[test]
    fn invalid_values_are_reported_without_them() {
        for (data, expected) in [
            (json!({"k": "s3cr3t!"}), "data.k: not valid base64"),
            (json!({"k": "aGVsbG8"}), "data.k: not valid base64"),
            (json!({"k": "aGVs bG8="}), "data.k: not valid base64"),
            (json!({"k": "-_-_"}), "data.k: not valid base64"),
            (json!({"k": 7}), "data.k: must be a string"),
            (json!({"a key": "YQ=="}), "data.a key: invalid key"),
            (json!({"..k": "YQ=="}), "data...k: invalid key"),
            (json!(["YQ=="]), "data: must be a mapping"),
        ] {
            let secret = json!({"data": data});
            assert_eq!(problems(secret), [expected]);
        }
        let large = json!({"stringData": {"k": "x".repeat(1024 * 1024 + 1)}});
        let expected = "data: too large: 1048577 bytes (limit 1048576)";
        assert_eq!(problems(large), [expected]);
        let number = json!({"stringData": {"k": true}});
        assert_eq!(problems(number), ["stringData.k: must be a string"]);
        let kind = json!({"type": 7});
        assert_eq!(
            problems(kind),
            [": does not match the schema of kind Secret"]
        );
    }
}
