//! Formats a configuration, value by value.

use std::fmt::Display;

use super::{Config, Origin, RepositoryConfig, Valued};

/// A value of a configuration, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigValue {
    /// Its key: `repository.company.url`.
    pub key: String,
    /// The value. Configurations contain no credentials.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

impl Config {
    /// Returns all values with their origins, sorted by key.
    #[must_use]
    pub fn show(&self) -> Vec<ConfigValue> {
        let mut rows = Rows(Vec::new());
        let source = self.source.clone();
        rows.add("extensions.source_type", &source.map(super::Source::name));
        let cache = &self.cache;
        rows.add(
            "cache.path",
            &cache.path.clone().map(|path| path.display().to_string()),
        );
        rows.add("cache.ttl", &cache.ttl.clone().map(|ttl| ttl.as_secs()));
        rows.add("cache.max_content", &cache.max_content);
        if let Some(trust) = &self.trust {
            rows.table("trust", &trust.value, &trust.origin);
        } else {
            let none = Valued::new("none: all packages are rejected", Origin::Default);
            rows.add("trust", &none);
        }
        for repository in &self.repositories {
            rows.repository(repository);
        }
        rows.0.sort_by(|left, right| left.key.cmp(&right.key));
        rows.0
    }
}

struct Rows(Vec<ConfigValue>);

impl Rows {
    fn add<T: Display>(&mut self, key: &str, given: &Valued<T>) {
        self.0.push(ConfigValue {
            key: key.to_owned(),
            value: given.value.to_string(),
            origin: given.origin.clone(),
        });
    }

    /// Adds the values of a table verbatim. None of them is secret: keys are public.
    fn table(&mut self, key: &str, table: &toml::Table, origin: &Origin) {
        for (field, value) in table {
            self.value(&format!("{key}.{field}"), value, origin);
        }
    }

    fn value(&mut self, key: &str, value: &toml::Value, origin: &Origin) {
        match value {
            toml::Value::Table(table) => self.table(key, table, origin),
            toml::Value::Array(all) if all.iter().any(toml::Value::is_table) => {
                for (number, one) in all.iter().enumerate() {
                    self.value(&format!("{key}[{number}]"), one, origin);
                }
            }
            toml::Value::Array(all) => {
                let texts: Vec<String> = all.iter().map(text).collect();
                self.add(key, &Valued::new(texts.join(", "), origin.clone()));
            }
            one => self.add(key, &Valued::new(text(one), origin.clone())),
        }
    }

    fn repository(&mut self, given: &RepositoryConfig) {
        // Without `..`, so that a new field cannot be forgotten here.
        let RepositoryConfig {
            name,
            defined: _,
            kind,
            url,
            parts,
            owner,
            group,
            priority,
            system,
            names,
            mirrors,
            insecure,
            timeout,
            retry_count,
            ca,
            auth_token_path,
        } = given;
        if let Some((registry, namespace)) = parts {
            self.add("oci.registry", registry);
            self.add("oci.namespace", namespace);
        }
        let key = |field: &str| format!("repository.{name}.{field}");
        self.add(&key("kind"), kind);
        self.add(&key("url"), url);
        self.add(&key("priority"), priority);
        self.add(&key("system"), system);
        self.add(&key("names"), &names.clone().map(|names| names.join(", ")));
        let texts = |mirrors: Vec<super::Location>| {
            let texts: Vec<String> = mirrors.iter().map(ToString::to_string).collect();
            texts.join(", ")
        };
        self.add(&key("mirrors"), &mirrors.clone().map(texts));
        self.add(&key("insecure"), insecure);
        self.add(&key("timeout"), &timeout.clone().map(|time| time.as_secs()));
        self.add(&key("retry_count"), retry_count);
        for (field, given) in [("owner", owner), ("group", group)] {
            if let Some(given) = given {
                self.add(&key(field), given);
            }
        }
        for (field, given) in [("ca", ca), ("auth_token_path", auth_token_path)] {
            if let Some(given) = given {
                let shown = given.clone().map(|path| path.display().to_string());
                self.add(&key(field), &shown);
            }
        }
    }
}

/// Formats a value as one line: for a multi-line public key, the line with the key.
fn text(value: &toml::Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    let lines: Vec<&str> = text.trim().lines().collect();
    let is_key = |line: &&&str| !line.contains(':') && !line.starts_with('-');
    match lines.as_slice() {
        [one] => (*one).to_owned(),
        several => several
            .iter()
            .rfind(is_key)
            .map_or_else(String::new, ToString::to_string),
    }
}
