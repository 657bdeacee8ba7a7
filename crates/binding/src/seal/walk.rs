//! Finding credentials in the JSON of a spec, which may have any shape: what does not have the
//! shape of credentials is passed by.

use std::collections::BTreeSet;
use std::fmt;

use extension_registry_core::record::SourceSecret;
use serde_json::{Map, Value};

/// One set of credentials in a spec. Borrowed, because it holds values.
pub(super) struct Set<'a> {
    /// Where it is, for people.
    pub(super) path: Path<'a>,
    /// Name of its service.
    pub(super) service: Option<&'a str>,
    /// Its own name.
    pub(super) name: Option<&'a str>,
    /// The set.
    pub(super) value: &'a Value,
}

impl<'a> Set<'a> {
    /// The entries, with their place in the list.
    pub(super) fn entries(
        &self,
    ) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> + use<'a> {
        list(self.value, "configuration")
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, entry.as_object()?)))
    }
}

/// `spec.services[s3].credentials[main]`; a number stands where there is no sound name, because
/// somebody may have put a password there.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    service: (usize, Option<&'a str>),
    credentials: (usize, Option<&'a str>),
}

impl Path<'_> {
    /// Where the set is in the two lists.
    pub(super) fn indexes(&self) -> (usize, usize) {
        (self.service.0, self.credentials.0)
    }
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

/// Every set of credentials of a spec.
pub(super) fn sets(spec: &Value) -> impl Iterator<Item = Set<'_>> {
    let services = list(spec, "services").iter().enumerate();
    services.flat_map(|(service_index, service)| {
        let service_name = text(service, "name");
        let sets = list(service, "credentials").iter().enumerate();
        sets.map(move |(index, value)| {
            let name = text(value, "name");
            Set {
                path: Path {
                    service: (service_index, service_name),
                    credentials: (index, name),
                },
                service: service_name,
                name,
                value,
            }
        })
    })
}

/// A list of an object; empty when there is none.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

/// Whether an entry holds a value, of whatever type. `null` is none: the API server takes it so.
pub(super) fn is_inline(entry: &Map<String, Value>) -> bool {
    entry.get("value").is_some_and(|value| !value.is_null())
}

/// An entry of credentials that holds a value.
pub struct InlineEntry<'a> {
    /// The set that it belongs to.
    path: Path<'a>,
    /// Its place in the set.
    index: usize,
    /// Its name, where that is sound: somebody may have put a password there.
    pub name: Option<&'a str>,
}

impl InlineEntry<'_> {
    /// The field, for people: by names, where they are sound.
    #[must_use]
    pub fn field(&self) -> String {
        let place = self
            .name
            .map_or_else(|| self.index.to_string(), str::to_owned);
        format!("{}.configuration[{place}].value", self.path)
    }

    /// The field by its places in the lists.
    #[must_use]
    pub fn position(&self) -> String {
        let (service, credentials) = self.path.indexes();
        format!(
            "spec.services[{service}].credentials[{credentials}].configuration[{}].value",
            self.index
        )
    }
}

/// Every entry of credentials that holds a value.
pub fn inline_entries(spec: &Value) -> impl Iterator<Item = InlineEntry<'_>> {
    sets(spec).flat_map(|set| {
        let inline = set.entries().filter(|(_, entry)| is_inline(entry));
        inline.map(move |(index, entry)| InlineEntry {
            path: set.path,
            index,
            name: entry
                .get("name")
                .and_then(Value::as_str)
                .filter(|name| is_key(name)),
        })
    })
}

/// The fields of credentials that hold a value, with the names of the entries where they are sound.
#[must_use]
pub fn inline_fields(spec: &Value) -> Vec<(String, Option<String>)> {
    inline_entries(spec)
        .map(|entry| (entry.field(), entry.name.map(str::to_owned)))
        .collect()
}

/// Every Secret that a spec refers to.
#[must_use]
pub fn references(spec: &Value) -> BTreeSet<SourceSecret> {
    let mut found = BTreeSet::new();
    for set in sets(spec) {
        let whole = set.value.pointer("/secretRef/name").and_then(Value::as_str);
        found.extend(whole.map(|name| SourceSecret::Kept(name.into())));
        for (_, entry) in set.entries() {
            let from = entry.get("valueFrom").unwrap_or(&Value::Null);
            let name = |form: &str| from.pointer(form).and_then(Value::as_str);
            let kept = name("/secretKeyRef/name").map(|name| SourceSecret::Kept(name.into()));
            let sealed = name("/sealedRef/name").map(|name| SourceSecret::Sealed(name.into()));
            found.extend(kept.into_iter().chain(sealed));
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    (1..=extension_registry_api::limits::NAME).contains(&text.len()) && text.bytes().all(inner)
}

/// Whether the API server takes the text as a key of a Secret.
pub(super) fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=extension_registry_api::limits::KEY).contains(&text.len())
        && text.bytes().all(allowed)
        && text != "."
        && !text.starts_with("..")
}
