//! Conversion of configuration entries.

use extension_registry_core::projection::RESERVED_KEYS;
use extension_registry_core::record::{CredentialEntry, Entry, Name, Source, SourceSecret};
use extension_registry_core::refusal::Reason;
use extension_registry_core::sensitive::Sensitive;

use super::Converter;
use crate::convert::check::{KEY, SECRET};
use crate::convert::field_error::Path;
use crate::extension;

impl Converter<'_> {
    pub(super) fn entries(
        &mut self,
        path: &Path<'_>,
        specs: &[extension::ConfigurationEntry],
    ) -> Box<[Entry]> {
        self.unique(path, specs.iter().map(|entry| entry.name.as_str()));
        let read = |(index, spec): (usize, &extension::ConfigurationEntry)| Entry {
            name: self.entry_name(&path.index(index), &spec.name),
            value: Sensitive::new(spec.value.reveal()),
        };
        specs.iter().enumerate().map(read).collect()
    }

    pub(super) fn credential_entries(
        &mut self,
        path: &Path<'_>,
        specs: &[extension::CredentialEntry],
    ) -> Box<[CredentialEntry]> {
        self.unique(path, specs.iter().map(|entry| entry.name.as_str()));
        let mut entries = Vec::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            let path = path.index(index);
            let name = self.entry_name(&path, &spec.name);
            match (&spec.value, &spec.value_from) {
                (Some(value), None) => {
                    entries.push(CredentialEntry {
                        name,
                        source: Source::Inline(Sensitive::new(value.reveal())),
                    });
                }
                (None, Some(from)) => {
                    if let Some(source) = self.reference(&path.field("valueFrom"), from) {
                        entries.push(CredentialEntry { name, source });
                    }
                }
                (Some(_), Some(_)) => {
                    self.errors.add(
                        &path,
                        Reason::Invalid,
                        "`value` and `valueFrom` are mutually exclusive",
                        "keep one of them",
                    );
                }
                (None, None) => {
                    self.errors.add(
                        &path,
                        Reason::Invalid,
                        "missing value",
                        "set `value` or `valueFrom`",
                    );
                }
            }
        }
        entries.into()
    }

    fn reference(&mut self, path: &Path<'_>, from: &extension::ValueSource) -> Option<Source> {
        let (path, secret, key) = match (&from.secret_key_ref, &from.sealed, &from.sealed_ref) {
            (Some(reference), None, None) => {
                let path = path.field("secretKeyRef");
                let secret = self.name(&path.field("name"), &SECRET, &reference.name);
                (path, SourceSecret::Referenced(secret), &reference.key)
            }
            (None, Some(text), None) => return Some(Source::Sealed(text.reveal().into())),
            (None, None, Some(sealed)) => {
                let path = path.field("sealedRef");
                let secret = self.name(&path.field("name"), &SECRET, &sealed.name);
                (path, SourceSecret::Sealed(secret), &sealed.key)
            }
            (None, None, None) => {
                self.errors.add(
                    path,
                    Reason::Invalid,
                    "missing Secret reference",
                    "set `secretKeyRef`",
                );
                return None;
            }
            _ => {
                self.errors.add(
                    path,
                    Reason::Invalid,
                    "`secretKeyRef`, `sealed` and `sealedRef` are mutually exclusive",
                    "keep one of them",
                );
                return None;
            }
        };
        let key = self.name(&path.field("key"), &KEY, key);
        Some(Source::SecretKey { secret, key })
    }

    fn entry_name(&mut self, path: &Path<'_>, text: &str) -> Name {
        let path = path.field("name");
        if RESERVED_KEYS.contains(&text) {
            let message = format!("`{text}` is reserved for the operator");
            self.errors
                .add(&path, Reason::Invalid, message, "choose another name");
        }
        self.name(&path, &KEY, text)
    }
}
