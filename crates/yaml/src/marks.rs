//! Positions of values.

use std::sync::Arc;

use extension_registry_core::diagnostic::Position;

/// Positions of a value and its parts.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub(crate) at: Position,
    pub(crate) children: Children,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Children {
    #[default]
    None,
    /// A plain scalar that is not a string, with its source text.
    Scalar(Arc<str>),
    Fields(Vec<(String, Marks)>),
    Items(Vec<Marks>),
}

/// Returns the field that a path begins with, and the rest of the path. Keys may contain dots and slashes, so
/// the longest key is used; of duplicate keys, the last.
fn find_child<'m, 'p>(
    fields: &'m [(String, Marks)],
    path: &'p str,
) -> Option<(&'m Marks, &'p str)> {
    let rest = |name: &str| {
        let rest = path.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
    };
    fields
        .iter()
        .filter_map(|(name, marks)| Some((name.len(), marks, rest(name)?)))
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, marks, rest)| (marks, rest))
}

impl Marks {
    /// Returns the start of the value.
    #[must_use]
    pub fn at(&self) -> Position {
        self.at
    }

    /// Returns the position of a field: `spec.services[0].name`. If it does not exist, returns the position of its
    /// nearest ancestor.
    #[must_use]
    pub fn find(&self, field: &str) -> Position {
        let mut marks = self;
        let mut rest = field;
        while !rest.is_empty() {
            let child = match &marks.children {
                Children::Fields(fields) => find_child(fields, rest),
                Children::Items(items) => {
                    let end = rest.find(']').unwrap_or(rest.len());
                    let index = rest[..end].trim_start_matches('[').parse::<usize>();
                    let item = index.ok().and_then(|index| items.get(index));
                    item.map(|item| (item, rest.get(end + 1..).unwrap_or_default()))
                }
                Children::None | Children::Scalar(_) => None,
            };
            let Some((child, after)) = child else {
                break;
            };
            marks = child;
            rest = after.trim_start_matches('.');
        }
        marks.at
    }

    /// Returns the marks of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.children {
            Children::Fields(fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, marks)| marks),
            _ => None,
        }
    }

    /// Returns the marks of an item.
    #[must_use]
    pub fn item(&self, index: usize) -> Option<&Self> {
        match &self.children {
            Children::Items(items) => items.get(index),
            _ => None,
        }
    }
}
