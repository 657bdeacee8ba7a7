//! YAML as `kubectl` reads it, with the place of every field.
//!
//! Plain words become what `sigs.k8s.io/yaml` makes of them: `no` is a boolean there, and a reader that
//! takes it for text would pass what the API server refuses.

//!
//! [`parse`] gives values and their [`Marks`]. [`Node`] is both in one tree, for those who make something
//! else of a document: [`Given`] hands out the fields of a mapping one by one, and what is wrong becomes
//! [`Complaints`].

mod complaint;
mod given;
mod node;
mod plain;

use std::collections::HashMap;
use std::iter::Peekable;
use std::mem;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Value};

pub use complaint::{Complaint, Complaints, Said};
pub use given::{Given, items};
pub use node::{Content, Node};
use plain::plain;

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1; zero where there is no text.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Deeper than any object of Kubernetes.
const DEEPEST: usize = 100;
/// What aliases may unfold to, in nodes.
const MOST_NODES: usize = 2_000_000;

/// Where the parts of a value are.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    at: Position,
    children: Children,
}

#[derive(Clone, Debug, Default)]
enum Children {
    #[default]
    None,
    /// None either: a word without quotes that is no text, as it was written.
    Word(Arc<str>),
    Fields(Vec<(String, Marks)>),
    Items(Vec<Marks>),
}

/// The field that a path begins with, and the rest of the path. Keys of maps may hold dots and slashes of their
/// own, so the longest key wins; of keys that are there twice, the last.
fn below<'m, 'p>(fields: &'m [(String, Marks)], path: &'p str) -> Option<(&'m Marks, &'p str)> {
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
    /// Where the value begins.
    #[must_use]
    pub fn at(&self) -> Position {
        self.at
    }

    /// Where a field is: `spec.services[0].name`. For one that is not there, where the nearest field
    /// around it is.
    #[must_use]
    pub fn find(&self, field: &str) -> Position {
        let mut marks = self;
        let mut rest = field;
        while !rest.is_empty() {
            let child = match &marks.children {
                Children::Fields(fields) => below(fields, rest),
                Children::Items(items) => {
                    let end = rest.find(']').unwrap_or(rest.len());
                    let index = rest[..end].trim_start_matches('[').parse::<usize>();
                    let item = index.ok().and_then(|index| items.get(index));
                    item.map(|item| (item, rest.get(end + 1..).unwrap_or_default()))
                }
                Children::None | Children::Word(_) => None,
            };
            let Some((child, after)) = child else {
                break;
            };
            marks = child;
            rest = after.trim_start_matches('.');
        }
        marks.at
    }

    /// The marks of a field.
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

    /// The marks of an item.
    #[must_use]
    pub fn item(&self, index: usize) -> Option<&Self> {
        match &self.children {
            Children::Items(items) => items.get(index),
            _ => None,
        }
    }
}

/// The fields of a mapping, and where they are.
type Fields = (Map<String, Value>, Vec<(String, Marks)>);

/// Something that is no YAML, or says a thing twice.
#[derive(Clone, Debug)]
pub struct Fault {
    /// `syntax` or `duplicate-key`.
    pub rule: &'static str,
    /// Where.
    pub at: Position,
    /// What.
    pub message: String,
    /// The way out; may be empty.
    pub hint: &'static str,
}

impl Fault {
    fn syntax(at: Position, message: impl Into<String>) -> Self {
        Self {
            rule: "syntax",
            at,
            message: message.into(),
            hint: "",
        }
    }
}

/// What a key is that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// What `kubectl` makes of it: `Y` is `true`, `0x1F` is `31`.
    AsKubectl,
    /// The text that was written.
    AsWritten,
}

/// The documents of a text, as far as they can be read, and what is wrong.
#[must_use]
pub fn parse(text: &str) -> (Vec<(Value, Marks)>, Vec<Fault>) {
    read(text, Keys::AsKubectl)
}

/// The same, where a key is the text that was written: `Y` and `TRUE` are two, and `1.20` is not `1.2`. For
/// files that no API server reads.
#[must_use]
pub fn parse_with_keys_as_written(text: &str) -> (Vec<(Value, Marks)>, Vec<Fault>) {
    read(text, Keys::AsWritten)
}

fn read(text: &str, keys: Keys) -> (Vec<(Value, Marks)>, Vec<Fault>) {
    let mut reader = Reader {
        keys,
        events: Parser::new_from_str(text).peekable(),
        anchors: HashMap::new(),
        faults: Vec::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next() {
            Ok(None | Some((Event::StreamEnd, _))) => break,
            Ok(Some((Event::DocumentStart(..) | Event::StreamStart | Event::DocumentEnd, _))) => {}
            Ok(Some((event, span))) => match reader.value(&event, span, 0) {
                Ok((value, marks)) => documents.push((value, marks)),
                Err(fault) => {
                    reader.faults.push(fault);
                    break;
                }
            },
            Err(fault) => {
                reader.faults.push(fault);
                break;
            }
        }
        if matches!(reader.events.peek(), Some(Ok((Event::DocumentEnd, _)))) {
            reader.anchors.clear();
        }
    }
    (documents, reader.faults)
}

struct Reader<'t, I>
where
    I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>,
{
    keys: Keys,
    events: Peekable<I>,
    anchors: HashMap<usize, (Value, Marks)>,
    faults: Vec<Fault>,
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
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Fault> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    let at = Position {
                        line: error.marker().line(),
                        column: error.marker().col() + 1,
                    };
                    return Err(Fault::syntax(at, format!("no YAML: {}", error.info())));
                }
                None => return Ok(None),
            }
        }
    }

    fn must(&mut self, at: Position) -> Result<(Event<'t>, Span), Fault> {
        self.next()?
            .ok_or_else(|| Fault::syntax(at, "no YAML: it ends in the middle"))
    }

    fn value(
        &mut self,
        event: &Event<'t>,
        span: Span,
        depth: usize,
    ) -> Result<(Value, Marks), Fault> {
        let at = position(span);
        let fault = |message: &str| Fault::syntax(at, message);
        if depth > DEEPEST {
            return Err(fault("nested deeper than any object of Kubernetes"));
        }
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(fault("larger than any object of Kubernetes"));
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
                    Children::Word(text.as_ref().into())
                };
                (*anchor, value, children)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let mut marks = Vec::new();
                loop {
                    let (event, span) = self.must(at)?;
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
                    .ok_or_else(|| fault("an alias of nothing"))?;
                self.nodes += count(value);
                if self.nodes > MOST_NODES {
                    return Err(fault("larger than any object of Kubernetes"));
                }
                let children = marks.children.clone();
                return Ok((value.clone(), Marks { at, children }));
            }
            _ => return Err(fault("no YAML")),
        };
        let marks = Marks { at, children };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), marks.clone()));
        }
        Ok((value, marks))
    }

    /// A key, and the text of it that was written.
    fn key(&self, key: Value, marks: &Marks, at: Position) -> Result<(String, Arc<str>), Fault> {
        let word = match (key, &marks.children) {
            (Value::String(text), _) => {
                let written = text.as_str().into();
                return Ok((text, written));
            }
            (Value::Null, Children::Word(word)) => ("null".to_owned(), Arc::clone(word)),
            (key @ (Value::Bool(_) | Value::Number(_)), Children::Word(word)) => {
                (key.to_string(), Arc::clone(word))
            }
            _ => return Err(Fault::syntax(at, "a key has to be text")),
        };
        Ok(match self.keys {
            Keys::AsKubectl => word,
            Keys::AsWritten => (word.1.to_string(), word.1),
        })
    }

    fn mapping(&mut self, at: Position, depth: usize) -> Result<Fields, Fault> {
        let mut fields = Map::new();
        let mut marks: Vec<(String, Marks)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.must(at)?;
            if event == Event::MappingEnd {
                break;
            }
            let key_at = position(span);
            let (key, written) = self.value(&event, span, depth + 1)?;
            let (key, written) = self.key(key, &written, key_at)?;
            let (event, span) = self.must(key_at)?;
            let (value, mut mark) = self.value(&event, span, depth + 1)?;
            if key == "<<" {
                merged.push((value, mark));
                continue;
            }
            mark.at = key_at;
            if let Some(first) = fields.get(&key) {
                self.faults
                    .push(twice(&key, &written, key_at, [first, &value]));
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

/// A key that is there already, with both values.
fn twice(key: &str, written: &str, at: Position, values: [&Value; 2]) -> Fault {
    let message = if key == written {
        format!("`{key}` stands here a second time")
    } else {
        format!("`{written}` is read as `{key}`, which stands here already")
    };
    let hint = if values.into_iter().all(Value::is_array) {
        "make one list of the two"
    } else {
        "keep one of the two"
    };
    Fault {
        rule: "duplicate-key",
        at,
        message,
        hint,
    }
}

/// A merge key: what is not there yet comes from another mapping, or from several.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Position, parse, parse_with_keys_as_written};

    #[test]
    fn words_are_what_kubectl_takes_them_for() {
        let text = "a: no\nb: 1.19\nc: 1.19.0\nd: '1'\ne: 0x10\nf: ~\ng: 010\nh: -3\ni: 1e3\nj: 2024-01-01\nk: !!str 5\nl: .5\n";
        let (documents, faults) = parse(text);
        assert!(faults.is_empty());
        let wanted = json!({"a": false, "b": 1.19, "c": "1.19.0", "d": "1", "e": 16, "f": null,
            "g": 8, "h": -3, "i": 1000.0, "j": "2024-01-01", "k": "5", "l": 0.5});
        assert_eq!(documents[0].0, wanted);
    }

    #[test]
    fn numbers_are_read_to_their_ends() {
        let text = "a: -0x8000000000000000\nb: 0xffffffffffffffff\nc: -0x-8000000000000000\nd: 0x+5\ne: 99999999999999999999\nf: 089\ng: -9223372036854775808\nh: --1\ni: -010\n";
        let (documents, faults) = parse(text);
        assert!(faults.is_empty());
        let wanted = json!({"a": i64::MIN, "b": u64::MAX, "c": "-0x-8000000000000000", "d": "0x+5",
            "e": 1e20, "f": 89.0, "g": i64::MIN, "h": "--1", "i": -8});
        assert_eq!(documents[0].0, wanted);
    }

    #[test]
    fn keys_are_what_kubectl_takes_them_for_or_what_was_written() {
        let text = "Y: 1\n007: 2\n0x1F: 3\n1.20: 4\n~: 5\n1e3: 6\n'no': 7\n";
        let (documents, faults) = parse(text);
        assert!(faults.is_empty());
        let wanted = json!({"true": 1, "7": 2, "31": 3, "1.2": 4, "null": 5, "1000.0": 6, "no": 7});
        assert_eq!(documents[0].0, wanted);
        let (documents, faults) = parse_with_keys_as_written(text);
        assert!(faults.is_empty());
        let wanted = json!({"Y": 1, "007": 2, "0x1F": 3, "1.20": 4, "~": 5, "1e3": 6, "no": 7});
        assert_eq!(documents[0].0, wanted);
        assert_eq!(documents[0].1.find("0x1F").line, 3);
    }

    #[test]
    fn two_words_for_one_key_are_told_by_the_words() {
        let text = "Y: 1\nTRUE: 2\n";
        let (_, faults) = parse(text);
        assert_eq!(faults.len(), 1);
        assert_eq!(
            faults[0].message,
            "`TRUE` is read as `true`, which stands here already"
        );
        assert_eq!(faults[0].hint, "keep one of the two");
        let (documents, faults) = parse_with_keys_as_written(text);
        assert!(faults.is_empty());
        assert_eq!(documents[0].0, json!({"Y": 1, "TRUE": 2}));
        let (_, faults) = parse_with_keys_as_written("Y: [1]\nY: [2]\n");
        assert_eq!(faults[0].message, "`Y` stands here a second time");
        assert_eq!(faults[0].hint, "make one list of the two");
    }

    #[test]
    fn every_field_has_its_place() {
        let text = "# first\na:\n  - b: 1\n    c.d: 2\n---\ne: {f: [x, y]}\n";
        let (documents, faults) = parse(text);
        assert!(faults.is_empty());
        let at = |document: usize, field: &str| {
            let Position { line, column } = documents[document].1.find(field);
            (line, column)
        };
        assert_eq!(at(0, "a"), (2, 1));
        assert_eq!(at(0, "a[0].b"), (3, 5));
        assert_eq!(at(0, "a[0].c.d"), (4, 5));
        assert_eq!(at(0, "a[0].gone.far"), (3, 5));
        assert_eq!(at(0, "a[7]"), (2, 1));
        assert_eq!(at(1, "e.f[1]"), (6, 12));
    }

    #[test]
    fn what_is_no_yaml_has_its_place_too() {
        let (documents, faults) = parse("a: 1\na: 2\n---\nb: [1\nc: 2\n");
        assert_eq!(documents.len(), 1);
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (fault.rule, fault.at.line))
            .collect();
        assert_eq!(found[0], ("duplicate-key", 2));
        assert_eq!(found[1].0, "syntax");
        assert!(found[1].1 >= 4, "{found:?}");
    }

    #[test]
    fn aliases_merge_and_do_not_explode() {
        let (documents, faults) = parse("a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\n");
        assert!(faults.is_empty());
        assert_eq!(documents[0].0["b"], json!({"z": 3, "x": 1}));
        let level = |level: u32| {
            let items = vec![format!("*a{level}"); 10].join(", ");
            format!("a{}: &a{} [{items}]\n", level + 1, level + 1)
        };
        let levels: String = (0..12).map(level).collect();
        let bomb = format!("a0: &a0 [x, x]\n{levels}");
        let (_, faults) = parse(&bomb);
        assert_eq!(faults[0].rule, "syntax");
    }
}
