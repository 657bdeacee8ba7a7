//! A mapping whose fields are taken one by one. What is left at the end is nothing anybody knows.

use extension_registry_core::suggest;

use crate::{Complaints, Content, Node, Position};

/// The fields of a mapping that nobody took yet.
pub struct Given {
    /// Where the mapping begins.
    pub at: Position,
    path: String,
    fields: Vec<(String, Node)>,
    known: Vec<&'static str>,
}

impl Given {
    /// The fields of a value, which has to be a mapping.
    pub fn of(log: &mut Complaints, path: String, node: Node) -> Option<Self> {
        let at = node.at;
        let Content::Fields(mut fields) = node.content else {
            let message = format!("is {} where a mapping belongs", node.kind());
            log.error("wrong-type", at, &path).says(message, "");
            return None;
        };
        // A field without a value says nothing.
        fields.retain(|(_, node)| !node.is_null());
        Some(Self {
            at,
            path,
            fields,
            known: Vec::new(),
        })
    }

    /// Whether a field is there still.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// The path of a field.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Takes a field as it is.
    pub fn take(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        let index = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(index).1)
    }

    /// Takes a field that is text here.
    pub fn text(&mut self, name: &'static str) -> Option<Node> {
        self.take(name).map(Node::into_text)
    }

    /// Takes a field that has two names, one in each form.
    pub fn either(
        &mut self,
        log: &mut Complaints,
        names: [&'static str; 2],
    ) -> Option<(Node, String)> {
        let [first, second] = names;
        let taken = self.take(first);
        let other = self.take(second);
        if let (Some(_), Some(other)) = (&taken, &other) {
            let message = format!("says what `{first}` says already");
            log.error("duplicate-key", other.at, &self.path(second))
                .says(message, "keep one of the two");
        }
        let second = other.map(|node| (node, self.path(second)));
        taken.map(|node| (node, self.path(first))).or(second)
    }

    /// Takes a text that has two names.
    pub fn either_text(&mut self, log: &mut Complaints, names: [&'static str; 2]) -> Option<Node> {
        self.either(log, names).map(|(node, _)| node.into_text())
    }

    /// Takes the mappings of a list, each with its path.
    pub fn mappings(
        &mut self,
        log: &mut Complaints,
        name: &'static str,
    ) -> Option<(Position, Vec<Self>)> {
        let node = self.take(name)?;
        let path = self.path(name);
        let at = node.at;
        let items = items(log, &path, node)?;
        let mappings = items
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| Self::of(log, format!("{path}[{index}]"), item))
            .collect();
        Some((at, mappings))
    }

    /// Takes a field that has no place here, and says so.
    pub fn no_place(&mut self, log: &mut Complaints, name: &'static str, why: &str, hint: &str) {
        if let Some(node) = self.take(name) {
            log.no_place(node.at, &self.path(name), why, hint);
        }
    }

    /// Takes a reference to what is around this, which its place says already.
    pub fn says_where(&mut self, log: &mut Complaints, name: &'static str, around: &str) {
        if let Some(node) = self.text(name)
            && node.as_written() != Some(around)
        {
            log.no_place(
                node.at,
                &self.path(name),
                "names something else than what it stands in",
                "what it stands in was taken",
            );
        }
    }

    /// All was taken that is known. What is left may be of a later version: it is said, and does no harm.
    /// Fields that begin with `x-` are anybody's own.
    pub fn end_mildly(mut self, log: &mut Complaints) {
        self.fields.retain(|(name, _)| !name.starts_with("x-"));
        for (name, node) in &self.fields {
            log.warning("unknown-field", node.at, &self.path(name))
                .says("is no field that this version knows", self.hint(name));
        }
    }

    fn hint(&self, name: &str) -> String {
        suggest::closest(name, self.known.iter().copied()).map_or_else(
            || "remove it".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )
    }

    /// All was taken that is known: what is left is wrong.
    pub fn end(self, log: &mut Complaints) {
        for (name, node) in &self.fields {
            log.error("unknown-field", node.at, &self.path(name))
                .says("is no field of this", self.hint(name));
        }
    }
}

/// The items of a list.
pub fn items(log: &mut Complaints, path: &str, node: Node) -> Option<Vec<Node>> {
    let Content::Items(items) = node.content else {
        let message = format!("is {} where a list belongs", node.kind());
        log.error("wrong-type", node.at, path).says(message, "");
        return None;
    };
    Some(items)
}
