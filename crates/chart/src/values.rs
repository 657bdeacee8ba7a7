//! The values of a record, each with a comment.

use extension_registry_core::printable::{Layout, printable};
use serde_json::Value;

use crate::record::KEY;
use crate::text::flow;

/// The values in the order in which they were added.
#[derive(Default)]
pub(crate) struct Values(Vec<Entry>);

struct Entry {
    key: String,
    comment: String,
    /// The value in one line.
    flow: String,
}

impl Values {
    /// Adds a value.
    pub(crate) fn add(&mut self, key: &str, comment: impl Into<String>, value: &Value) {
        self.0.push(Entry {
            key: key.to_owned(),
            comment: printable(&comment.into(), Layout::OneLine).into_owned(),
            flow: flow(value),
        });
    }

    /// Joins words to a key that no other value has. Empty words are left out.
    pub(crate) fn key(&self, words: &[&str]) -> String {
        let mut key = String::new();
        let words = words
            .iter()
            .flat_map(|word| word.split(|one: char| !one.is_ascii_alphanumeric()));
        for word in words.filter(|word| !word.is_empty()) {
            let (first, rest) = word.split_at(1);
            if key.is_empty() {
                key = first.to_ascii_lowercase();
            } else {
                key += &first.to_ascii_uppercase();
            }
            key += rest;
        }
        // The name of a field in a template.
        if key.starts_with(|first: char| first.is_ascii_digit()) {
            key.insert(0, '_');
        }
        let is_new = |key: &String| self.0.iter().all(|entry| entry.key != *key);
        if is_new(&key) {
            return key;
        }
        let mut numbered = (2..).map(|number| format!("{key}{number}"));
        numbered.find(is_new).unwrap_or(key)
    }

    /// Returns the values as YAML.
    pub(crate) fn yaml(&self) -> String {
        let entries = self.0.iter().map(|entry| {
            let Entry { key, comment, flow } = entry;
            format!("  # {comment}\n  {key}: {flow}\n")
        });
        let entries: String = entries.collect();
        format!("# Record of the release in the Extension Registry\n{KEY}:\n{entries}")
    }
}
