//! Converts names: unlike Kubernetes, FuseML allows uppercase letters and underscores.

use std::collections::HashSet;

use extension_registry_yaml::{Diagnostics, Node};

/// Converts a name: `My_Store` becomes `my-store`.
pub(super) fn plain(name: &str) -> String {
    let letters: String = name
        .chars()
        .map(|letter| match letter {
            'a'..='z' | '0'..='9' => letter,
            'A'..='Z' => letter.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    letters.trim_matches('-').to_owned()
}

/// Converts the name in a field, and warns if it changes. None if no valid character is left.
pub(super) fn renamed(log: &mut Diagnostics, field: &str, node: Node) -> Option<Node> {
    let node = node.into_text();
    let Some(name) = node.as_written() else {
        return Some(node);
    };
    let plain = plain(name);
    if plain == name {
        return Some(node);
    }
    if plain.is_empty() {
        log.error("bad-name", node.at, field)
            .message("contains no valid characters", "choose another name");
        return None;
    }
    let message = format!("`{name}` is renamed to `{plain}`");
    log.warning("renamed", node.at, field).message(message, "");
    Some(Node::text(node.at, plain))
}

/// Generator of names for items without one in the released form.
#[derive(Default)]
pub(super) struct NameGenerator {
    used: HashSet<String>,
}

impl NameGenerator {
    /// Reserves a name.
    pub(super) fn reserve(&mut self, name: Option<&str>) {
        self.used.extend(name.map(str::to_owned));
    }

    /// Returns an unused name: `internal`, `internal-2`.
    pub(super) fn name(&mut self, base: &str) -> String {
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.to_owned()).chain(numbered);
        let name = names
            .find(|name| !self.used.contains(name))
            .unwrap_or_default();
        self.used.insert(name.clone());
        name
    }
}
