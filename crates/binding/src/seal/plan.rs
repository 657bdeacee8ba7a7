//! What sealing a spec means: which Secrets are made, and what the spec says instead. Pure.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::{SEALED_LABEL, SEALED_TYPE, limits, size};
use extension_registry_core::projection::RESERVED_KEYS;
use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::walk::{Set, is_inline, is_key, list, sets};
use super::{RECORD_KIND, RECORD_NAME, RECORD_NAMESPACE};

/// Tells texts apart without telling what they are: record, place and values become a part of a name.
pub type NameDigest<'d> = &'d dyn Fn(Vec<&[u8]>) -> String;

const SLUG_LENGTH: usize = 30;
const HASH_LENGTH: usize = 32;

/// What sealing a spec means. It has no `Debug`: the spec is the user's own text.
pub struct Plan {
    /// The spec without values; `None` when there is nothing to change.
    pub spec: Option<Value>,
    /// The Secrets that hold them.
    pub secrets: Vec<SealedSecret>,
    /// Why nothing is sealed, with the field: something holds a value that cannot be.
    pub left: Vec<String>,
}

/// A Secret to be made of one set of credentials.
#[derive(Debug)]
pub struct SealedSecret {
    /// Its name.
    pub name: String,
    /// The set that it is made of.
    pub field: String,
    /// Keys and values.
    pub data: BTreeMap<String, Sensitive>,
}

/// Decides what is sealed. All or nothing: where one value cannot be sealed the spec stays as it
/// is, for the schema or the validating door to refuse, and no Secret is made.
#[must_use]
pub fn plan(digest: NameDigest<'_>, record: &RecordKey, spec: &Value) -> Plan {
    let mut plan = Plan {
        spec: None,
        secrets: Vec::new(),
        left: Vec::new(),
    };
    if !sets(spec).any(|set| set.entries().any(|(_, entry)| is_inline(entry))) {
        return plan;
    }
    if let Some(reason) = too_large(spec) {
        plan.left.push(reason);
        return plan;
    }
    let mut changed = spec.clone();
    for set in sets(spec) {
        match values(&set) {
            Ok(data) if data.is_empty() => {}
            Ok(data) => {
                let name = name(digest, record, &set, &data);
                point_at(&mut changed, &set, &name);
                plan.secrets.push(SealedSecret {
                    name,
                    field: set.path.to_string(),
                    data,
                });
            }
            Err(reason) => plan.left.push(format!("{}{reason}", set.path)),
        }
    }
    if plan.left.is_empty() {
        plan.spec = Some(changed);
    } else {
        plan.secrets.clear();
    }
    plan
}

/// The values of a set by the names of their entries.
fn values(set: &Set<'_>) -> Result<BTreeMap<String, Sensitive>, String> {
    let mut names = BTreeSet::new();
    let mut data = BTreeMap::new();
    let mut repeated = None;
    for (index, entry) in set.entries() {
        let at = |reason: &str| Err(format!(".configuration[{index}]{reason}"));
        let name = entry.get("name").and_then(Value::as_str);
        if name.is_some_and(|name| !names.insert(name)) {
            repeated.get_or_insert(index);
        }
        if !is_inline(entry) {
            continue;
        }
        let Some(name) = name.filter(|name| is_key(name) && !RESERVED_KEYS.contains(name)) else {
            return at(".name: not a valid name of an entry");
        };
        let Some(value) = entry.get("value").and_then(Value::as_str) else {
            return at(".value: not a text; put quotes around it");
        };
        data.insert(name.to_owned(), Sensitive::new(value));
    }
    if data.is_empty() {
        return Ok(data);
    }
    if let Some(index) = repeated {
        return Err(format!(
            ".configuration[{index}].name: used twice in this list; give each its own name"
        ));
    }
    if set.service.is_none() || set.name.is_none() {
        return Err(": the service or the set has no name".to_owned());
    }
    Ok(data)
}

/// Lets the entries of a set refer to a Secret. `value` wins over `valueFrom`.
fn point_at(spec: &mut Value, set: &Set<'_>, secret: &str) {
    let (service, credentials) = set.path.indexes();
    let pointer = format!("/services/{service}/credentials/{credentials}/configuration");
    let entries = spec.pointer_mut(&pointer).and_then(Value::as_array_mut);
    for entry in entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        if !is_inline(entry) {
            continue;
        }
        entry.remove("value");
        let name = entry.get("name").cloned().unwrap_or_default();
        entry.insert(
            "valueFrom".to_owned(),
            json!({"sealedRef": {"name": secret, "key": name}}),
        );
    }
}

/// `sealed-<slug>-<32 hex>`. The digest covers the record, the place and every value, so that equal
/// names mean equal content; it is keyed, so that nobody can tell a value from a name.
fn name(
    digest: NameDigest<'_>,
    record: &RecordKey,
    set: &Set<'_>,
    data: &BTreeMap<String, Sensitive>,
) -> String {
    let place = [
        record.kind().as_str(),
        record.namespace.as_deref().unwrap_or_default(),
        &record.name,
        set.service.unwrap_or_default(),
        set.name.unwrap_or_default(),
    ];
    let values = data
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.reveal()]);
    let parts: Vec<&[u8]> = place.into_iter().chain(values).map(str::as_bytes).collect();
    let mut digest = digest(parts);
    digest.truncate(HASH_LENGTH);
    format!("sealed-{}-{digest}", slug(&record.name))
}

/// A readable part for people, as far as the name of a Secret takes it.
#[must_use]
pub fn slug(record: &str) -> String {
    let mut slug = String::new();
    for character in record
        .chars()
        .map(|character| character.to_ascii_lowercase())
    {
        if slug.len() == SLUG_LENGTH {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    match slug.trim_end_matches('-') {
        "" => "x".to_owned(),
        slug => slug.to_owned(),
    }
}

/// Why a spec is over the limits of a record, if it is: nothing of it is sealed then.
fn too_large(spec: &Value) -> Option<String> {
    let hint = "split the record in two, or keep large values in a Secret of your own";
    let over = |field: &str, length: usize, most: usize| {
        (length > most).then(|| format!("{field}: {length} entries, of {most} allowed; {hint}"))
    };
    let services = list(spec, "services");
    if let Some(reason) = over("spec.services", services.len(), limits::SERVICES) {
        return Some(reason);
    }
    for (index, service) in services.iter().enumerate() {
        let field = format!("spec.services[{index}].credentials");
        let length = list(service, "credentials").len();
        if let Some(reason) = over(&field, length, limits::CREDENTIALS) {
            return Some(reason);
        }
    }
    let mut entries = 0;
    for set in sets(spec) {
        let length = list(set.value, "configuration").len();
        let field = format!("{}.configuration", set.path);
        if let Some(reason) = over(&field, length, limits::CONFIGURATION) {
            return Some(reason);
        }
        entries += length;
        for (index, entry) in set.entries() {
            let length = entry
                .get("value")
                .and_then(Value::as_str)
                .map_or(0, str::len);
            if length > limits::VALUE {
                return Some(format!(
                    "{field}[{index}].value: {length} bytes, of {} allowed; {hint}",
                    limits::VALUE
                ));
            }
        }
    }
    if let Some(reason) = over("spec", entries, limits::ENTRIES) {
        return Some(reason);
    }
    let written = size::written(spec).unwrap_or(usize::MAX);
    (written > limits::RECORD).then(|| {
        format!(
            "spec: {written} bytes in all, of {} allowed; {hint}",
            limits::RECORD
        )
    })
}

impl SealedSecret {
    /// The Secret as it is written: immutable, and naming the one record that it serves.
    #[must_use]
    pub fn object(&self, record: &RecordKey) -> Secret {
        let mut annotations: BTreeMap<String, String> = [
            (RECORD_KIND.to_owned(), record.kind().as_str().to_owned()),
            (RECORD_NAME.to_owned(), record.name.to_string()),
        ]
        .into();
        if let Some(namespace) = &record.namespace {
            annotations.insert(RECORD_NAMESPACE.to_owned(), namespace.to_string());
        }
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some([(SEALED_LABEL.to_owned(), "true".to_owned())].into()),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            type_: Some(SEALED_TYPE.to_owned()),
            immutable: Some(true),
            data: Some(
                self.data
                    .iter()
                    .map(|(key, value)| (key.clone(), ByteString(value.reveal().into())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }
}
