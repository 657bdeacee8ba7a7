//! Keys of a projection and the origin of their values.

use std::collections::BTreeMap;

use crate::projection::{Address, DOCUMENT_KEY, RESERVED_KEYS, TYPE_KEY, document};
use crate::record::{ConfigurationLevel, Name, Source, SourceSecret};
use crate::resolve::Choice;
use crate::sensitive::Sensitive;

/// Part of the choice that a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Derived from a field of the record: `uri`, `host`, `version`.
    Derived,
    /// Configuration of the record.
    Extension,
    /// Configuration of the service.
    Service,
    /// Configuration of the endpoint.
    Endpoint,
    /// Configuration of the credentials.
    Credentials,
}

impl Origin {
    /// Returns whether the key is a configuration entry, which `.cfg.KEY` and the default environment
    /// include.
    #[must_use]
    pub fn is_configuration(self) -> bool {
        self != Self::Derived
    }
}

impl From<ConfigurationLevel> for Origin {
    fn from(level: ConfigurationLevel) -> Self {
        match level {
            ConfigurationLevel::Record => Self::Extension,
            ConfigurationLevel::Service => Self::Service,
            ConfigurationLevel::Endpoint => Self::Endpoint,
        }
    }
}

/// One key of the rendered Secret, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Name of the key, and of the file.
    pub name: &'a Name,
    /// Origin of the key.
    pub origin: Origin,
}

#[derive(Clone, Debug)]
enum Content {
    Text(Sensitive),
    SecretKey { secret: SourceSecret, key: Name },
    Sealed,
    Document,
}

/// Access to the keys of source Secrets.
pub trait SourceKeys {
    /// Returns the keys of a Secret in any order, or `None` if it does not exist.
    fn keys(&self, secret: &SourceSecret) -> Option<Vec<Name>>;
}

/// Access to values of source Secrets and of sealed entries.
pub trait SourceValues {
    /// Returns the value of a key, or `None` if the Secret or the key does not exist.
    fn value(&self, secret: &SourceSecret, key: &str) -> Option<Vec<u8>>;

    /// Returns the decrypted value of an entry of the chosen credentials, or `None` if decryption
    /// fails.
    fn sealed(&self, entry: &str) -> Option<Vec<u8>>;
}

/// An unavailable value: its source Secret or the key in it is missing, or it cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum MissingSource {
    /// The Secret does not exist.
    #[error("Secret `{secret}` not found")]
    Secret {
        /// Name of the Secret.
        secret: SourceSecret,
    },
    /// The Secret exists, but lacks the key.
    #[error("key `{key}` not found in Secret `{secret}`")]
    Key {
        /// Name of the Secret.
        secret: SourceSecret,
        /// Name of the key.
        key: Name,
    },
    /// A sealed value cannot be decrypted.
    #[error("failed to decrypt {field}")]
    Sealed {
        /// Path of the field.
        field: String,
    },
}

impl MissingSource {
    /// Creates the error for a sealed entry that cannot be decrypted.
    #[must_use]
    pub fn sealed(service: &str, credentials: &str, entry: &str) -> Self {
        Self::Sealed {
            field: format!(
                "spec.services[{service}].credentials[{credentials}].configuration[{entry}].valueFrom.sealed"
            ),
        }
    }
}

/// Keys of a rendered Secret. All values come from one record and one service.
#[derive(Clone, Debug)]
pub struct Layout {
    keys: BTreeMap<Name, (Origin, Content)>,
}

impl Layout {
    /// Lays out the keys of a choice: derived keys first, then configuration from general to specific;
    /// the more specific entry wins. In credentials, an entry overrides the same key of the whole Secret.
    ///
    /// # Errors
    /// Returns all source Secrets that are missing or lack a key that an entry names.
    pub fn new(choice: &Choice, sources: &dyn SourceKeys) -> Result<Self, Vec<MissingSource>> {
        let mut layout = Self {
            keys: BTreeMap::new(),
        };
        layout.add_derived(choice);
        for (level, entries) in choice.configurations() {
            for entry in entries {
                let content = Content::Text(entry.value.clone());
                layout.set(&entry.name, level.into(), content);
            }
        }
        let missing = layout.add_credentials(choice, sources);
        layout.set(&DOCUMENT_KEY.into(), Origin::Derived, Content::Document);
        if missing.is_empty() {
            Ok(layout)
        } else {
            Err(missing)
        }
    }

    fn add_derived(&mut self, choice: &Choice) {
        let record = &choice.record;
        let service = choice.service();
        let fields = [
            (TYPE_KEY, Some(choice.binding_type())),
            ("provider", record.product.as_deref()),
            ("version", record.version_text()),
            ("zone", record.zone.as_deref()),
            ("category", service.category.as_deref()),
        ];
        for (name, text) in fields {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                self.set(&name.into(), Origin::Derived, Content::Text(text.into()));
            }
        }
        let Some(url) = choice.endpoint().and_then(|endpoint| endpoint.url.as_ref()) else {
            return;
        };
        self.set(&"uri".into(), Origin::Derived, Content::Text(url.clone()));
        if let Some(address) = Address::parse(url.reveal()) {
            self.set(
                &"host".into(),
                Origin::Derived,
                Content::Text(Sensitive::new(address.host)),
            );
            if let Some(port) = address.port {
                self.set(
                    &"port".into(),
                    Origin::Derived,
                    Content::Text(Sensitive::new(port.to_string())),
                );
            }
        }
    }

    fn add_credentials(&mut self, choice: &Choice, sources: &dyn SourceKeys) -> Vec<MissingSource> {
        let mut missing = Vec::new();
        let Some(credentials) = choice.credentials() else {
            return missing;
        };
        if let Some(secret) = credentials.whole_secret() {
            match sources.keys(&secret) {
                Some(keys) => {
                    for key in keys {
                        let content = Content::SecretKey {
                            secret: secret.clone(),
                            key: key.clone(),
                        };
                        self.set(&key, Origin::Credentials, content);
                    }
                }
                None => missing.push(MissingSource::Secret { secret }),
            }
        }
        for entry in &credentials.entries {
            let content = match &entry.source {
                Source::Inline(value) => Content::Text(value.clone()),
                Source::Sealed(_) => Content::Sealed,
                Source::SecretKey { secret, key } => {
                    match sources.keys(secret) {
                        None => missing.push(MissingSource::Secret {
                            secret: secret.clone(),
                        }),
                        Some(keys) if !keys.contains(key) => {
                            missing.push(MissingSource::Key {
                                secret: secret.clone(),
                                key: key.clone(),
                            });
                        }
                        Some(_) => {}
                    }
                    Content::SecretKey {
                        secret: secret.clone(),
                        key: key.clone(),
                    }
                }
            };
            self.set(&entry.name, Origin::Credentials, content);
        }
        missing.sort();
        missing.dedup();
        missing
    }

    /// Sets a key, overriding a more general part. Configuration entries never set reserved keys, even
    /// if a record contains such an entry.
    fn set(&mut self, name: &Name, origin: Origin, content: Content) {
        if origin.is_configuration() && RESERVED_KEYS.contains(&&**name) {
            return;
        }
        self.keys.insert(name.clone(), (origin, content));
    }

    /// Returns the keys, sorted by name.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.keys.iter().map(|(name, (origin, _))| Key {
            name,
            origin: *origin,
        })
    }

    /// Returns the key with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Key<'_>> {
        self.keys
            .get_key_value(name)
            .map(|(name, (origin, _))| Key {
                name,
                origin: *origin,
            })
    }

    /// Renders the data of the Secret.
    ///
    /// # Errors
    /// Returns all values that are no longer available.
    pub fn render(
        &self,
        choice: &Choice,
        sources: &dyn SourceValues,
    ) -> Result<BTreeMap<String, Vec<u8>>, Vec<MissingSource>> {
        let mut data = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, (_, content)) in &self.keys {
            let value = match content {
                Content::Text(text) => Some(text.reveal().as_bytes().to_vec()),
                Content::SecretKey { secret, key } => {
                    let value = sources.value(secret, key);
                    if value.is_none() {
                        missing.push(MissingSource::Key {
                            secret: secret.clone(),
                            key: key.clone(),
                        });
                    }
                    value
                }
                Content::Sealed => {
                    let value = sources.sealed(name);
                    if value.is_none() {
                        let set = choice.credentials().map_or("", |set| &set.name);
                        missing.push(MissingSource::sealed(&choice.service().name, set, name));
                    }
                    value
                }
                Content::Document => Some(document::render(choice).into_bytes()),
            };
            if let Some(value) = value {
                data.insert(name.to_string(), value);
            }
        }
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            Ok(data)
        } else {
            Err(missing)
        }
    }
}
