//! Parser: values of a text and their positions.

use std::collections::HashMap;
use std::iter::Peekable;
use std::mem;
use std::sync::Arc;

use extension_registry_core::diagnostic::Position;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Value};

use crate::marks::{Children, Marks};
use crate::plain::plain;

/// Maximum depth; Kubernetes objects are much flatter.
const MAX_DEPTH: usize = 100;
/// Maximum number of nodes, after expansion of aliases.
const MAX_NODES: usize = 2_000_000;

/// Fields of a mapping with their positions.
type Fields = (Map<String, Value>, Vec<(String, Marks)>);

/// A syntax error or a duplicate key.
#[derive(Clone, Debug)]
pub struct ParseError {
    /// `syntax` or `duplicate-key`.
    pub rule: &'static str,
    /// Position of the error.
    pub at: Position,
    /// Description of the error.
    pub message: String,
    /// Suggested fix; may be empty.
    pub hint: &'static str,
}

impl ParseError {
    fn syntax(at: Position, message: impl Into<String>) -> Self {
        Self {
            rule: "syntax",
            at,
            message: message.into(),
            hint: "",
        }
    }
}

/// Treatment of keys that are not strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// Converted as by `kubectl`: `Y` is `true`, `0x1F` is `31`.
    AsKubectl,
    /// Used as written.
    AsWritten,
}

/// Parses the documents of a text, and returns the errors with the documents that could be read.
#[must_use]
pub fn parse(text: &str) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    read(text, Keys::AsKubectl)
}

/// Like [`parse`], but uses keys as written: `Y` and `TRUE` differ, and `1.20` is not `1.2`. For files that the
/// API server does not read.
#[must_use]
pub fn parse_with_keys_as_written(text: &str) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    read(text, Keys::AsWritten)
}

fn read(text: &str, keys: Keys) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    let mut reader = Reader {
        keys,
        events: Parser::new_from_str(text).peekable(),
        anchors: HashMap::new(),
        errors: Vec::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next() {
            Ok(None | Some((Event::StreamEnd, _))) => break,
            Ok(Some((Event::DocumentStart(..) | Event::StreamStart | Event::DocumentEnd, _))) => {}
            Ok(Some((event, span))) => match reader.value(&event, span, 0) {
                Ok((value, marks)) => documents.push((value, marks)),
                Err(error) => {
                    reader.errors.push(error);
                    break;
                }
            },
            Err(error) => {
                reader.errors.push(error);
                break;
            }
        }
        if matches!(reader.events.peek(), Some(Ok((Event::DocumentEnd, _)))) {
            reader.anchors.clear();
        }
    }
    (documents, reader.errors)
}

struct Reader<'t, I>
where
    I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>,
{
    keys: Keys,
    events: Peekable<I>,
    anchors: HashMap<usize, (Value, Marks)>,
    errors: Vec<ParseError>,
    nodes: usize,
}

fn position(span: Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

impl<'t, I> Reader<'t, I>
where
    I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>,
{
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ParseError> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    let at = Position {
                        line: error.marker().line(),
                        column: error.marker().col() + 1,
                    };
                    return Err(ParseError::syntax(
                        at,
                        format!("invalid YAML: {}", error.info()),
                    ));
                }
                None => return Ok(None),
            }
        }
    }

    fn expect_event(&mut self, at: Position) -> Result<(Event<'t>, Span), ParseError> {
        self.next()?
            .ok_or_else(|| ParseError::syntax(at, "invalid YAML: unexpected end of file"))
    }

    fn value(
        &mut self,
        event: &Event<'t>,
        span: Span,
        depth: usize,
    ) -> Result<(Value, Marks), ParseError> {
        let at = position(span);
        let error = |message: &str| ParseError::syntax(at, message);
        if depth > MAX_DEPTH {
            return Err(error("nested too deeply"));
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(error("document too large"));
        }
        let (anchor, value, children) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = *style != ScalarStyle::Plain
                    || tag
                        .as_ref()
                        .is_some_and(|tag| tag.to_string().ends_with("str"));
                let value = if is_text {
                    Value::String(text.to_string())
                } else {
                    plain(text)
                };
                let children = if value.is_string() {
                    Children::None
                } else {
                    Children::Scalar(text.as_ref().into())
                };
                (*anchor, value, children)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let mut marks = Vec::new();
                loop {
                    let (event, span) = self.expect_event(at)?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    let (value, mark) = self.value(&event, span, depth + 1)?;
                    items.push(value);
                    marks.push(mark);
                }
                (*anchor, Value::Array(items), Children::Items(marks))
            }
            Event::MappingStart(_, anchor, _) => {
                let (fields, marks) = self.mapping(at, depth)?;
                (*anchor, Value::Object(fields), Children::Fields(marks))
            }
            Event::Alias(anchor) => {
                let (value, marks) = self
                    .anchors
                    .get(anchor)
                    .ok_or_else(|| error("unknown alias"))?;
                self.nodes += count(value);
                if self.nodes > MAX_NODES {
                    return Err(error("document too large"));
                }
                let children = marks.children.clone();
                return Ok((value.clone(), Marks { at, children }));
            }
            _ => return Err(error("invalid YAML")),
        };
        let marks = Marks { at, children };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), marks.clone()));
        }
        Ok((value, marks))
    }

    /// Returns a key and its source text.
    fn key(
        &self,
        key: Value,
        marks: &Marks,
        at: Position,
    ) -> Result<(String, Arc<str>), ParseError> {
        let word = match (key, &marks.children) {
            (Value::String(text), _) => {
                let written = text.as_str().into();
                return Ok((text, written));
            }
            (Value::Null, Children::Scalar(word)) => ("null".to_owned(), Arc::clone(word)),
            (key @ (Value::Bool(_) | Value::Number(_)), Children::Scalar(word)) => {
                (key.to_string(), Arc::clone(word))
            }
            _ => return Err(ParseError::syntax(at, "keys must be strings")),
        };
        Ok(match self.keys {
            Keys::AsKubectl => word,
            Keys::AsWritten => (word.1.to_string(), word.1),
        })
    }

    fn mapping(&mut self, at: Position, depth: usize) -> Result<Fields, ParseError> {
        let mut fields = Map::new();
        let mut marks: Vec<(String, Marks)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.expect_event(at)?;
            if event == Event::MappingEnd {
                break;
            }
            let key_at = position(span);
            let (key, written) = self.value(&event, span, depth + 1)?;
            let (key, written) = self.key(key, &written, key_at)?;
            let (event, span) = self.expect_event(key_at)?;
            let (value, mut mark) = self.value(&event, span, depth + 1)?;
            if key == "<<" {
                merged.push((value, mark));
                continue;
            }
            mark.at = key_at;
            if let Some(first) = fields.get(&key) {
                self.errors
                    .push(duplicate_key(&key, &written, key_at, [first, &value]));
            }
            fields.insert(key.clone(), value);
            marks.push((key, mark));
        }
        for (value, mark) in merged {
            merge(&mut fields, &mut marks, value, mark);
        }
        Ok((fields, marks))
    }
}

/// Creates the error for a duplicate key.
fn duplicate_key(key: &str, written: &str, at: Position, values: [&Value; 2]) -> ParseError {
    let message = if key == written {
        format!("duplicate key `{key}`")
    } else {
        format!("duplicate key `{key}`: `{written}` is read as `{key}`")
    };
    let hint = if values.into_iter().all(Value::is_array) {
        "merge the two lists"
    } else {
        "remove one of them"
    };
    ParseError {
        rule: "duplicate-key",
        at,
        message,
        hint,
    }
}

/// Applies a merge key: adds missing fields from one or several mappings.
fn merge(
    fields: &mut Map<String, Value>,
    marks: &mut Vec<(String, Marks)>,
    value: Value,
    mut mark: Marks,
) {
    match (value, mem::take(&mut mark.children)) {
        (Value::Object(from), Children::Fields(places)) => {
            let mut places: HashMap<String, Marks> = places.into_iter().collect();
            for (key, value) in from {
                if !fields.contains_key(&key) {
                    marks.push((key.clone(), places.remove(&key).unwrap_or_default()));
                    fields.insert(key, value);
                }
            }
        }
        (Value::Array(items), Children::Items(places)) => {
            for (item, place) in items.into_iter().zip(places) {
                merge(fields, marks, item, place);
            }
        }
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Object(fields) => fields.values().map(count).sum::<usize>() + 1,
        _ => 1,
    }
}
