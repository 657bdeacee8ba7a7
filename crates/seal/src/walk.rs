//! Traversal of the credentials in the JSON of a spec. The JSON is untrusted; parts with an unexpected
//! structure are ignored.

use std::collections::BTreeSet;
use std::fmt;

use extension_registry_core::record::SourceSecret;
use serde_json::{Map, Value};

/// Location of a credential entry in its record, by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// Name of the service.
    pub service: String,
    /// Name of the set of credentials.
    pub credentials: String,
    /// Name of the entry.
    pub entry: String,
}

/// A credential entry. Borrowed, because it may contain a value.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    set: Path<'a>,
    index: usize,
    fields: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    /// Returns the name, if valid: any other text may be a misplaced password.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.raw_name().filter(|name| is_key(name))
    }

    fn raw_name(&self) -> Option<&'a str> {
        self.fields.get("name")?.as_str()
    }

    /// Returns the location of the entry; `None` if a name is missing.
    #[must_use]
    pub fn key(&self) -> Option<EntryKey> {
        Some(EntryKey {
            service: self.set.service.1?.to_owned(),
            credentials: self.set.credentials.1?.to_owned(),
            entry: self.raw_name()?.to_owned(),
        })
    }

    /// Returns the inline value of any type. `null` is absent: the API server drops it.
    #[must_use]
    pub fn value(&self) -> Option<&'a Value> {
        self.fields.get("value").filter(|value| !value.is_null())
    }

    /// Returns `valueFrom.sealed`.
    #[must_use]
    pub fn sealed(&self) -> Option<&'a str> {
        self.fields.get("valueFrom")?.get("sealed")?.as_str()
    }

    /// Returns `valueFrom.sealedRef` of any type.
    #[must_use]
    pub fn sealed_ref(&self) -> Option<&'a Value> {
        let reference = self.fields.get("valueFrom")?.get("sealedRef");
        reference.filter(|reference| !reference.is_null())
    }

    /// Returns the path of the set of credentials, for messages.
    #[must_use]
    pub fn set(&self) -> String {
        self.set.to_string()
    }

    /// Returns the path of the entry, for messages: by names if they are valid.
    #[must_use]
    pub fn field(&self) -> String {
        let index = self.index.to_string();
        format!(
            "{}.configuration[{}]",
            self.set,
            self.name().unwrap_or(&index)
        )
    }

    /// Returns the path of the entry by its indexes.
    #[must_use]
    pub fn position(&self) -> String {
        format!(
            "spec.services[{}].credentials[{}].configuration[{}]",
            self.set.service.0, self.set.credentials.0, self.index
        )
    }

    pub(super) fn pointer(&self) -> String {
        format!(
            "/services/{}/credentials/{}/configuration/{}",
            self.set.service.0, self.set.credentials.0, self.index
        )
    }
}

/// `spec.services[s3].credentials[main]`. Invalid names, which may be misplaced passwords, are replaced
/// by their index.
#[derive(Clone, Copy)]
struct Path<'a> {
    service: (usize, Option<&'a str>),
    credentials: (usize, Option<&'a str>),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(index, name): (usize, Option<&str>)| match name {
            Some(name) if is_name(name) => name.to_owned(),
            _ => index.to_string(),
        };
        write!(
            formatter,
            "spec.services[{}].credentials[{}]",
            part(self.service),
            part(self.credentials)
        )
    }
}

/// Returns every set of credentials of a spec.
fn sets(spec: &Value) -> impl Iterator<Item = (Path<'_>, &Value)> {
    list(spec, "services").flat_map(|(service, fields)| {
        let service = (service, text(fields, "name"));
        list(fields, "credentials").map(move |(index, fields)| {
            let credentials = (index, text(fields, "name"));
            let path = Path {
                service,
                credentials,
            };
            (path, fields)
        })
    })
}

/// Returns every credential entry of a spec.
pub fn entries(spec: &Value) -> impl Iterator<Item = Entry<'_>> {
    sets(spec).flat_map(|(set, fields)| {
        list(fields, "configuration").filter_map(move |(index, entry)| {
            let fields = entry.as_object()?;
            Some(Entry { set, index, fields })
        })
    })
}

/// Returns every credential entry with an inline value.
pub fn inline_entries(spec: &Value) -> impl Iterator<Item = Entry<'_>> {
    entries(spec).filter(|entry| entry.value().is_some())
}

/// Returns every Secret that a spec references.
#[must_use]
pub fn references(spec: &Value) -> BTreeSet<SourceSecret> {
    let name = |value: &Value| Some(value.get("name")?.as_str()?.into());
    let whole = sets(spec).filter_map(|(_, set)| name(set.get("secretRef")?));
    let single = entries(spec).filter_map(|entry| {
        let from = entry.fields.get("valueFrom")?;
        name(from.get("secretKeyRef")?)
    });
    let sealed = entries(spec).filter_map(|entry| name(entry.sealed_ref()?));
    whole
        .chain(single)
        .map(SourceSecret::Referenced)
        .chain(sealed.map(SourceSecret::Sealed))
        .collect()
}

/// Returns the items of a list with their indexes.
fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    let items = value.get(field).and_then(Value::as_array);
    items.into_iter().flatten().enumerate()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    (1..=extension_registry_api::limits::NAME).contains(&text.len()) && text.bytes().all(inner)
}

/// Returns whether the API server accepts the text as a key of a Secret.
pub(super) fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=extension_registry_api::limits::KEY).contains(&text.len())
        && text.bytes().all(allowed)
        && text != "."
        && !text.starts_with("..")
}
