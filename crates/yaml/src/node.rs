//! A value together with the places of its parts, for those who make another value of it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Children, Marks, Position};

/// A value and where it was written. It may be a password, so nothing prints it.
#[derive(Clone)]
pub struct Node {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Clone)]
pub enum Content {
    /// Text.
    Text(String),
    /// A word without quotes that YAML reads as something else, and as it was written.
    Word(Value, Arc<str>),
    /// A list.
    Items(Vec<Node>),
    /// A mapping, in the order of the file.
    Fields(Vec<(String, Node)>),
}

impl Node {
    /// Joins a value with its places.
    #[must_use]
    pub fn join(value: Value, marks: Marks) -> Self {
        let at = marks.at;
        let content = match (value, marks.children) {
            (Value::String(text), _) => Content::Text(text),
            (Value::Array(items), Children::Items(marks)) => Content::Items(
                items
                    .into_iter()
                    .zip(marks)
                    .map(|(item, marks)| Self::join(item, marks))
                    .collect(),
            ),
            (Value::Object(mut fields), Children::Fields(marks)) => Content::Fields(
                marks
                    .into_iter()
                    // The second of two fields of one name is a fault that was told already.
                    .filter_map(|(name, marks)| {
                        let value = fields.remove(&name)?;
                        Some((name, Self::join(value, marks)))
                    })
                    .collect(),
            ),
            (value, Children::Word(word)) => Content::Word(value, word),
            (value, _) => {
                let word = value.to_string();
                Content::Word(value, word.into())
            }
        };
        Self { at, content }
    }

    /// The value, and its places.
    #[must_use]
    pub fn split(self) -> (Value, Marks) {
        let (value, children) = match self.content {
            Content::Text(text) => (Value::String(text), Children::None),
            Content::Word(value, word) => (value, Children::Word(word)),
            Content::Items(items) => {
                let (values, marks): (Vec<_>, Vec<_>) = items.into_iter().map(Self::split).unzip();
                (Value::Array(values), Children::Items(marks))
            }
            Content::Fields(fields) => {
                let mut values = Map::new();
                let mut marks = Vec::with_capacity(fields.len());
                for (name, node) in fields {
                    let (value, mark) = node.split();
                    values.insert(name.clone(), value);
                    marks.push((name, mark));
                }
                (Value::Object(values), Children::Fields(marks))
            }
        };
        let marks = Marks {
            at: self.at,
            children,
        };
        (value, marks)
    }

    /// Text that stands nowhere, at the place of what it was made of.
    pub fn text(at: Position, text: impl Into<String>) -> Self {
        let content = Content::Text(text.into());
        Self { at, content }
    }

    /// A list.
    #[must_use]
    pub fn items(at: Position, items: Vec<Self>) -> Self {
        let content = Content::Items(items);
        Self { at, content }
    }

    /// A mapping of the fields that are there.
    pub fn fields<'n>(
        at: Position,
        fields: impl IntoIterator<Item = (&'n str, Option<Self>)>,
    ) -> Self {
        let fields = fields
            .into_iter()
            .filter_map(|(name, node)| Some((name.to_owned(), node?)))
            .collect();
        let content = Content::Fields(fields);
        Self { at, content }
    }

    /// Whether nothing stands there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Word(Value::Null, _))
    }

    /// Whether it is a list of nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.content, Content::Items(items) if items.is_empty())
    }

    /// What is written there, where it is text or a word.
    #[must_use]
    pub fn as_written(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Word(_, word) => Some(word),
            Content::Items(_) | Content::Fields(_) => None,
        }
    }

    /// The same as text, where it is a word: `False`, `1.20`.
    #[must_use]
    pub fn into_text(self) -> Self {
        match self.content {
            Content::Word(_, word) => Self::text(self.at, &*word),
            _ => self,
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Text(_) => "text",
            Content::Word(Value::Null, _) => "nothing",
            Content::Word(Value::Bool(_), _) => "a boolean",
            Content::Word(..) => "a number",
            Content::Items(_) => "a list",
            Content::Fields(_) => "a mapping",
        }
    }
}
