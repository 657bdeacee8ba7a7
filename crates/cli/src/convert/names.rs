//! Names: FuseML's may hold capitals and underscores where those of Kubernetes may not.

use std::collections::HashSet;

use extension_registry_yaml::{Complaints, Node};

/// The name that stands for a name here: `My_Store` becomes `my-store`.
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

/// The same for a name with a place, saying so where it changes. None, where nothing is left of it.
pub(super) fn renamed(log: &mut Complaints, field: &str, node: Node) -> Option<Node> {
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
            .says("has no letter that a name may have", "give it a name");
        return None;
    }
    let message = format!("`{name}` is called `{plain}` here");
    log.warning("renamed", node.at, field).says(message, "");
    Some(Node::text(node.at, plain))
}

/// Names for things that have none in the released form.
#[derive(Default)]
pub(super) struct Fresh {
    taken: HashSet<String>,
}

impl Fresh {
    /// Notes a name that was given.
    pub(super) fn note(&mut self, name: Option<&str>) {
        self.taken.extend(name.map(str::to_owned));
    }

    /// A name that nothing else has: `internal`, `internal-2`.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names
            .find(|name| !self.taken.contains(name))
            .unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}
