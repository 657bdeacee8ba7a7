//! A value together with the positions of its parts.

use std::sync::Arc;

use extension_registry_core::diagnostic::Position;
use serde_json::{Map, Value};

use crate::marks::{Children, Marks};

/// A value with its position. It implements no `Debug`, because it may contain a password.
#[derive(Clone)]
pub struct Node {
    /// Start of the value.
    pub at: Position,
    /// The value.
    pub content: Content,
}

/// Content of a [`Node`].
#[derive(Clone)]
pub enum Content {
    /// A string.
    Text(String),
    /// A plain scalar that is not a string, with its source text.
    Scalar(Value, Arc<str>),
    /// A list.
    Items(Vec<Node>),
    /// A mapping, in the order of the file.
    Fields(Vec<(String, Node)>),
}

impl Node {
    /// Joins a value with its positions.
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
                    // A duplicate key was reported already.
                    .filter_map(|(name, marks)| {
                        let value = fields.remove(&name)?;
                        Some((name, Self::join(value, marks)))
                    })
                    .collect(),
            ),
            (value, Children::Scalar(word)) => Content::Scalar(value, word),
            (value, _) => {
                let word = value.to_string();
                Content::Scalar(value, word.into())
            }
        };
        Self { at, content }
    }

    /// Splits the node into the value and its positions.
    #[must_use]
    pub fn split(self) -> (Value, Marks) {
        let (value, children) = match self.content {
            Content::Text(text) => (Value::String(text), Children::None),
            Content::Scalar(value, word) => (value, Children::Scalar(word)),
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

    /// Creates a string at a position.
    pub fn text(at: Position, text: impl Into<String>) -> Self {
        let content = Content::Text(text.into());
        Self { at, content }
    }

    /// Creates a list at a position.
    #[must_use]
    pub fn items(at: Position, items: Vec<Self>) -> Self {
        let content = Content::Items(items);
        Self { at, content }
    }

    /// Creates a mapping of the fields that are present.
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

    /// Returns whether the value is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar(Value::Null, _))
    }

    /// Returns whether the value is an empty list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.content, Content::Items(items) if items.is_empty())
    }

    /// Returns the source text of a scalar.
    #[must_use]
    pub fn as_written(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Scalar(_, word) => Some(word),
            Content::Items(_) | Content::Fields(_) => None,
        }
    }

    /// Converts a plain scalar to a string with its source text: `False`, `1.20`.
    #[must_use]
    pub fn into_text(self) -> Self {
        match self.content {
            Content::Scalar(_, word) => Self::text(self.at, &*word),
            _ => self,
        }
    }

    /// Returns the kind of the value for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Text(_) => "text",
            Content::Scalar(Value::Null, _) => "null",
            Content::Scalar(Value::Bool(_), _) => "a boolean",
            Content::Scalar(..) => "a number",
            Content::Items(_) => "a list",
            Content::Fields(_) => "a mapping",
        }
    }
}
