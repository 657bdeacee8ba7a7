//! Values of a document.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use extension_registry_core::diagnostic::Position;
use serde_json::{Map, Value};

use crate::error::ParseError;
use crate::marks::{Children, Marks};
use crate::number::{self, Integer};
use crate::scalar::{Scalar, resolve};
use crate::syntax::{MAX_DEPTH, NodeId, SyntaxContent, Tree};

const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// Treatment of keys that are not strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Converted as by `kubectl`: `Y` is `true`, `0x1F` is `31`.
    AsKubectl,
    /// Used as written.
    AsWritten,
}

/// Returns the value of a document, and adds duplicate keys to the errors.
pub(crate) fn compose(
    tree: &Tree,
    keys: Keys,
    errors: &mut Vec<ParseError>,
) -> Result<(Value, Marks), ParseError> {
    let mut composer = Composer {
        tree,
        keys,
        errors,
        open: HashSet::new(),
        nodes: 0,
        aliased: 0,
        problems: Vec::new(),
    };
    let document = composer.value(tree.root, 0)?;
    let mut problems = composer.problems.into_iter().flatten();
    problems.next().map_or(Ok(document), Err)
}

/// Fields of a mapping with their positions.
#[derive(Default)]
struct Fields {
    values: Map<String, Value>,
    marks: Vec<(String, Marks)>,
    /// Index of each key in `marks`, and the problems of its value.
    places: HashMap<String, (usize, Range<usize>)>,
}

impl Fields {
    /// Sets a field with the problems of its value. The last value of a key wins; returns the problems of the one
    /// that it replaces.
    fn set(
        &mut self,
        key: String,
        value: Value,
        marks: Marks,
        problems: Range<usize>,
    ) -> Range<usize> {
        let mut replaced = 0..0;
        if let Some((place, range)) = self.places.get_mut(&key) {
            self.marks[*place].1 = marks;
            replaced = mem::replace(range, problems);
        } else {
            let place = (self.marks.len(), problems);
            self.places.insert(key.clone(), place);
            self.marks.push((key.clone(), marks));
        }
        self.values.insert(key, value);
        replaced
    }
}

struct Composer<'c> {
    tree: &'c Tree,
    keys: Keys,
    errors: &'c mut Vec<ParseError>,
    /// Aliases whose value is being composed.
    open: HashSet<NodeId>,
    /// Number of composed nodes.
    nodes: u32,
    /// Number of those that are in the value of an alias.
    aliased: u32,
    /// What JSON cannot represent. Without an error where the value is replaced: `kubectl` does not convert it then.
    problems: Vec<Option<ParseError>>,
}

impl Composer<'_> {
    /// Counts a node. Limits the ratio of those that exist because of aliases as go-yaml does.
    fn count(&mut self, at: Position) -> Result<(), ParseError> {
        const LOW: f64 = 400_000.0;
        const RANGE: f64 = 3_600_000.0;
        self.nodes = self.nodes.saturating_add(1);
        if !self.open.is_empty() {
            self.aliased = self.aliased.saturating_add(1);
        }
        let nodes = f64::from(self.nodes);
        let allowed = 0.99 - 0.89 * ((nodes - LOW) / RANGE).clamp(0.0, 1.0);
        if self.aliased > 100 && self.nodes > 1000 && f64::from(self.aliased) / nodes > allowed {
            return Err(ParseError::yaml(at, "document contains excessive aliasing"));
        }
        Ok(())
    }

    /// Opens an alias, runs an action with its node, and closes it.
    fn alias<T>(
        &mut self,
        alias: NodeId,
        target: NodeId,
        action: impl FnOnce(&mut Self, NodeId) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if !self.open.insert(alias) {
            let at = self.tree.node(alias).at;
            return Err(ParseError::yaml(
                at,
                "the value of an anchor contains itself",
            ));
        }
        let result = action(self, target);
        self.open.remove(&alias);
        result
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<(Value, Marks), ParseError> {
        let node = self.tree.node(id);
        let at = node.at;
        self.count(at)?;
        if depth > MAX_DEPTH {
            return Err(ParseError::syntax(at, "nested too deeply"));
        }
        let (value, children) = match &node.content {
            SyntaxContent::Scalar { text, .. } => {
                let value = self.scalar(id)?.into_value().unwrap_or_else(|| {
                    let error = ParseError::syntax(at, "infinity and NaN are not allowed in JSON");
                    self.problems
                        .push(Some(error.hint("quote it if it is text")));
                    Value::Null
                });
                let children = if value.is_string() {
                    Children::None
                } else {
                    Children::Scalar(text.as_str().into())
                };
                (value, children)
            }
            SyntaxContent::Sequence(items) => {
                let mut values = Vec::with_capacity(items.len());
                let mut marks = Vec::with_capacity(items.len());
                for item in items {
                    let (value, mark) = self.value(*item, depth + 1)?;
                    values.push(value);
                    marks.push(mark);
                }
                (Value::Array(values), Children::Items(marks))
            }
            SyntaxContent::Mapping(_) => {
                let mut fields = Fields::default();
                self.mapping(id, &mut fields, depth)?;
                (Value::Object(fields.values), Children::Fields(fields.marks))
            }
            SyntaxContent::Alias(target) => {
                let (value, marks) = self.alias(id, *target, |composer, target| {
                    composer.value(target, depth + 1)
                })?;
                (value, marks.children)
            }
        };
        Ok((value, Marks { at, children }))
    }

    fn scalar(&self, id: NodeId) -> Result<Scalar, ParseError> {
        let node = self.tree.node(id);
        let SyntaxContent::Scalar { text, is_implicit } = &node.content else {
            return Err(ParseError::syntax(node.at, "expected a scalar"));
        };
        if node.tag.is_none() && !is_implicit {
            return Ok(Scalar::Text(text.clone()));
        }
        resolve(node.tag.as_deref(), text).map_err(|problem| {
            ParseError::syntax(node.at, problem).hint("remove the tag, or correct the value")
        })
    }

    /// Adds the fields of a mapping in their order. A merge overrides the fields before it.
    fn mapping(&mut self, id: NodeId, fields: &mut Fields, depth: usize) -> Result<(), ParseError> {
        let SyntaxContent::Mapping(pairs) = &self.tree.node(id).content else {
            return Ok(());
        };
        let mut own = HashSet::new();
        for (key_id, value_id) in pairs {
            if self.is_merge(*key_id) {
                self.merge(*value_id, fields, depth + 1)?;
                continue;
            }
            let at = self.tree.node(*key_id).at;
            let (key, written) = self.key(*key_id)?;
            let start = self.problems.len();
            let (value, mut marks) = self.value(*value_id, depth + 1)?;
            marks.at = at;
            let is_new = own.insert(key.clone());
            // Duplicates in the value of an alias were reported where it is defined.
            if let Some(first) = fields.values.get(&key)
                && !is_new
                && self.open.is_empty()
            {
                self.errors.push(ParseError::duplicate_key(
                    &key,
                    &written,
                    at,
                    [first, &value],
                ));
            }
            let problems = start..self.problems.len();
            let replaced = fields.set(key, value, marks, problems);
            self.problems[replaced].fill(None);
        }
        Ok(())
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let node = self.tree.node(key);
        match &node.content {
            SyntaxContent::Scalar { text, is_implicit } => {
                text == "<<" && (*is_implicit || node.tag.as_deref() == Some(MERGE_TAG))
            }
            _ => false,
        }
    }

    /// Adds the fields of a merged mapping, or of several: the first one of a list wins.
    fn merge(&mut self, id: NodeId, fields: &mut Fields, depth: usize) -> Result<(), ParseError> {
        match &self.tree.node(id).content {
            SyntaxContent::Sequence(items) => items
                .iter()
                .rev()
                .try_for_each(|item| self.merge_one(*item, fields, depth + 1)),
            _ => self.merge_one(id, fields, depth),
        }
    }

    fn merge_one(
        &mut self,
        id: NodeId,
        fields: &mut Fields,
        depth: usize,
    ) -> Result<(), ParseError> {
        let node = self.tree.node(id);
        let at = node.at;
        let error = || {
            Err(ParseError::syntax(
                at,
                "the value of the merge key `<<` must be a mapping or a list of mappings",
            ))
        };
        if depth > MAX_DEPTH {
            return Err(ParseError::syntax(at, "nested too deeply"));
        }
        match node.content {
            SyntaxContent::Mapping(_) => {
                self.count(at)?;
                self.mapping(id, fields, depth)
            }
            SyntaxContent::Alias(target) => {
                let SyntaxContent::Mapping(_) = self.tree.node(target).content else {
                    return error();
                };
                self.count(at)?;
                self.alias(id, target, |composer, target| {
                    composer.count(at)?;
                    composer.mapping(target, fields, depth)
                })
            }
            _ => error(),
        }
    }

    /// Returns a key and its source text.
    fn key(&mut self, id: NodeId) -> Result<(String, Arc<str>), ParseError> {
        let node = self.tree.node(id);
        let at = node.at;
        self.count(at)?;
        let error = |message: &str| ParseError::syntax(at, message).hint("quote the key");
        let text = match &node.content {
            SyntaxContent::Scalar { text, .. } => text,
            SyntaxContent::Alias(target) => {
                let key = self.alias(id, *target, Self::key);
                return key.map_err(|error| ParseError { at, ..error });
            }
            _ => return Err(error("keys must be strings")),
        };
        let scalar = self.scalar(id)?;
        let is_kubectl = self.keys == Keys::AsKubectl;
        let key = match scalar {
            Scalar::Text(key) => {
                let written = key.as_str().into();
                return Ok((key, written));
            }
            _ if !is_kubectl => text.clone(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Integer(Integer::Signed(value)) => value.to_string(),
            Scalar::Float(value) => number::format_key(value),
            Scalar::Null | Scalar::Integer(Integer::Unsigned(_)) => {
                let problem = "a key must not be null or a number over 9223372036854775807";
                self.problems.push(Some(error(problem)));
                text.clone()
            }
        };
        Ok((key, text.as_str().into()))
    }
}
