//! Reads the fields of a mapping one by one, and reports those that are left over.

use extension_registry_core::diagnostic::Position;
use extension_registry_core::suggest;

use crate::diagnostic::Diagnostics;
use crate::node::{Content, Node};

/// Reader of a mapping: holds the fields that were not read yet.
pub struct MappingReader {
    /// Start of the mapping.
    pub at: Position,
    path: String,
    fields: Vec<(String, Node)>,
    known: Vec<&'static str>,
}

impl MappingReader {
    /// Creates a reader of a mapping. Reports an error if the value is not a mapping.
    pub fn new(log: &mut Diagnostics, path: String, node: Node) -> Option<Self> {
        let at = node.at;
        let Content::Fields(mut fields) = node.content else {
            let message = format!("must be a mapping, not {}", node.kind());
            log.error("wrong-type", at, &path).message(message, "");
            return None;
        };
        // A field without a value is treated as absent.
        fields.retain(|(_, node)| !node.is_null());
        Some(Self {
            at,
            path,
            fields,
            known: Vec::new(),
        })
    }

    /// Returns whether a field exists and was not read yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Returns the path of a field.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Reads a field.
    pub fn take(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        let index = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(index).1)
    }

    /// Reads a field as text.
    pub fn text(&mut self, name: &'static str) -> Option<Node> {
        self.take(name).map(Node::into_text)
    }

    /// Reads a field that has two names, and returns its path too.
    pub fn either(
        &mut self,
        log: &mut Diagnostics,
        names: [&'static str; 2],
    ) -> Option<(Node, String)> {
        let [first, second] = names;
        let taken = self.take(first);
        let other = self.take(second);
        if let (Some(_), Some(other)) = (&taken, &other) {
            let message = format!("conflicts with `{first}`");
            log.error("duplicate-key", other.at, &self.path(second))
                .message(message, "remove one of them");
        }
        let second = other.map(|node| (node, self.path(second)));
        taken.map(|node| (node, self.path(first))).or(second)
    }

    /// Reads a text field that has two names.
    pub fn either_text(&mut self, log: &mut Diagnostics, names: [&'static str; 2]) -> Option<Node> {
        self.either(log, names).map(|(node, _)| node.into_text())
    }

    /// Reads a list of mappings, and returns its position too.
    pub fn mappings(
        &mut self,
        log: &mut Diagnostics,
        name: &'static str,
    ) -> Option<(Position, Vec<Self>)> {
        let node = self.take(name)?;
        let path = self.path(name);
        let at = node.at;
        let items = items(log, &path, node)?;
        let mappings = items
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| Self::new(log, format!("{path}[{index}]"), item))
            .collect();
        Some((at, mappings))
    }

    /// Reads a field that cannot be represented, and warns if it exists.
    pub fn unsupported(
        &mut self,
        log: &mut Diagnostics,
        name: &'static str,
        why: &str,
        hint: &str,
    ) {
        if let Some(node) = self.take(name) {
            log.unsupported(node.at, &self.path(name), why, hint);
        }
    }

    /// Reads a reference to the parent, and warns if it names something else.
    pub fn check_parent(&mut self, log: &mut Diagnostics, name: &'static str, around: &str) {
        if let Some(node) = self.text(name)
            && node.as_written() != Some(around)
        {
            log.unsupported(
                node.at,
                &self.path(name),
                "ignored: does not match the parent",
                "remove it",
            );
        }
    }

    /// Warns of fields that are left over: they may belong to a later version.
    /// Fields with the prefix `x-` are extensions and are ignored.
    pub fn finish_lenient(mut self, log: &mut Diagnostics) {
        self.fields.retain(|(name, _)| !name.starts_with("x-"));
        for (name, node) in &self.fields {
            log.warning("unknown-field", node.at, &self.path(name))
                .message("unknown field, ignored", self.hint(name));
        }
    }

    fn hint(&self, name: &str) -> String {
        suggest::closest(name, self.known.iter().copied()).map_or_else(
            || "remove it".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )
    }

    /// Reports fields that are left over as errors.
    pub fn finish(self, log: &mut Diagnostics) {
        for (name, node) in &self.fields {
            log.error("unknown-field", node.at, &self.path(name))
                .message("unknown field", self.hint(name));
        }
    }
}

/// Returns the items of a list. Reports an error if the value is not a list.
pub fn items(log: &mut Diagnostics, path: &str, node: Node) -> Option<Vec<Node>> {
    let Content::Items(items) = node.content else {
        let message = format!("must be a list, not {}", node.kind());
        log.error("wrong-type", node.at, path).message(message, "");
        return None;
    };
    Some(items)
}
