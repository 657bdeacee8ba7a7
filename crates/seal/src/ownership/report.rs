//! What happens to the parts of other field managers, and messages about it. They contain no values.

use std::collections::BTreeMap;
use std::fmt::Write;

use extension_registry_core::diagnostic::explained;
use extension_registry_core::printable::{Layout, printable};

use super::tree::Path;

/// Maximum number of warnings. `kubectl` prints one line for each.
const MAX_WARNINGS: usize = 8;
/// Maximum number of managers that a message lists.
const MAX_MANAGERS: usize = 3;
/// Maximum number of characters of the name of a manager. The API server truncates long warnings.
const MAX_NAME: usize = 48;

/// What happens to a part that a request no longer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Removed for all managers.
    Remove,
    /// A `null` that the API server leaves in place of an empty list, and then rejects.
    Clear,
    /// Kept, because another manager owns it.
    Keep,
    /// A source of a value, replaced by another source.
    Replace {
        /// Whether the new source is a value instead of a reference.
        is_literal: bool,
    },
}

impl Fate {
    pub(super) fn is_removal(self) -> bool {
        self != Self::Keep
    }
}

/// A field manager that owns fields.
pub(super) struct Owner<'e> {
    /// Its name.
    pub(super) manager: &'e str,
    /// Whether it owns them by a server-side apply.
    pub(super) applies: bool,
}

/// The managers that own a part, and whether each applies it.
#[derive(Clone, Default)]
pub(super) struct Owners(BTreeMap<String, bool>);

impl Owners {
    pub(super) fn add(&mut self, owner: &Owner<'_>) {
        *self.0.entry(owner.manager.to_owned()).or_default() |= owner.applies;
    }

    /// Returns whether one of them applies the part.
    pub(super) fn apply(&self) -> bool {
        self.0.values().any(|applies| *applies)
    }

    /// Returns their names for a message: those that apply the part, or all.
    fn names(&self) -> String {
        let only_appliers = self.apply();
        let names = self
            .0
            .iter()
            .filter(|(_, applies)| **applies || !only_appliers);
        let names: Vec<&String> = names.map(|(name, _)| name).collect();
        let mut text = String::new();
        for (at, name) in names.iter().take(MAX_MANAGERS).enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            let short: String = name.chars().take(MAX_NAME).collect();
            let _ = write!(text, "{separator}`{}`", printable(&short, Layout::OneLine));
        }
        if names.len() > MAX_MANAGERS {
            let _ = write!(text, " and {} more", names.len() - MAX_MANAGERS);
        }
        text
    }
}

/// Returns the warning about a part of which other managers own a share, if they do.
pub(super) fn warning(path: &Path, fate: Fate, owners: &Owners) -> Option<String> {
    if owners.0.is_empty() {
        return None;
    }
    let names = owners.names();
    let (message, hint) = match (fate, owners.apply()) {
        (Fate::Clear, _) => return None,
        (Fate::Remove, true) => (
            format!("{path}: removed, although field manager {names} also applies it"),
            "remove it from the other file too, or it returns",
        ),
        (Fate::Remove, false) => (
            format!("{path}: removed, although field manager {names} also set it"),
            "",
        ),
        (Fate::Keep, _) => (
            format!("{path}: kept, because field manager {names} also owns it"),
            "to remove it for all managers, use `kubectl edit` or `kubectl replace`",
        ),
        (Fate::Replace { .. }, true) => (
            format!("{path}: replaced, although field manager {names} also applies it"),
            "change the other file too, or it returns",
        ),
        (Fate::Replace { .. }, false) => (
            format!("{path}: replaced, although field manager {names} also set it"),
            "",
        ),
    };
    Some(explained(&message, &[hint]))
}

/// Returns the warning about a value that another manager also applies.
pub(super) fn replaced_value(field: &str, owners: &Owners) -> String {
    let names = owners.names();
    explained(
        &format!("{field}: replaced the value that field manager {names} also applies"),
        &["change the other file too, or the value changes back"],
    )
}

/// Returns why a value may not replace a reference to a Secret.
pub(super) fn refusal(path: &Path, owners: &Owners) -> String {
    let names = owners.names();
    explained(
        &format!(
            "{path}: field manager {names} applies this reference to a Secret, and the request would replace it with a value"
        ),
        &["use the reference in this file too, or replace the record with `kubectl replace`"],
    )
}

/// Limits the number of warnings.
pub(super) fn limited(mut warnings: Vec<String>) -> Vec<String> {
    if warnings.len() > MAX_WARNINGS {
        let more = warnings.len() - MAX_WARNINGS;
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("… and {more} more parts of credentials"));
    }
    warnings
}
