//! Parses documents and scalars.

use std::collections::HashMap;

use extension_registry_core::diagnostic::Position;

use super::node::{MAX_DEPTH, NodeId, SyntaxContent, SyntaxNode, Tree};
use crate::error::ParseError;
use crate::scan::{Kind, Scanner, Token};

/// Prefix of the tags of YAML itself.
const YAML_PREFIX: &str = "tag:yaml.org,2002:";

/// Parses a document that starts at a position. Returns nothing for an empty one. Like `kubectl`, it ignores what
/// follows the first document of the text, for instance after `...`.
pub(crate) fn parse(text: &str, start: Position) -> Result<Option<Tree>, ParseError> {
    let mut parser = Parser {
        scanner: Scanner::new(text, start)?,
        nodes: Vec::new(),
        anchors: HashMap::new(),
        prefixes: HashMap::new(),
    };
    let root = parser.document()?;
    let nodes = parser.nodes;
    Ok(root.map(|root| Tree { nodes, root }))
}

/// Anchor and tag of a node.
pub(super) struct Properties {
    pub(super) at: Position,
    pub(super) anchor: Option<String>,
    pub(super) tag: Option<String>,
}

/// Parser of a document.
pub(super) struct Parser<'t> {
    pub(super) scanner: Scanner<'t>,
    nodes: Vec<SyntaxNode>,
    anchors: HashMap<String, NodeId>,
    /// Prefix of each handle of tags.
    prefixes: HashMap<String, String>,
}

impl Parser<'_> {
    pub(super) fn peek(&mut self) -> Result<&Token, ParseError> {
        self.scanner.peek()
    }

    /// Returns whether the next token is one of these.
    pub(super) fn is_next(&mut self, kinds: &[Kind]) -> Result<bool, ParseError> {
        Ok(kinds.contains(&self.peek()?.kind))
    }

    /// Consumes the next token if it is this one, and returns its end.
    pub(super) fn accept(&mut self, kind: &Kind) -> Result<Option<Position>, ParseError> {
        if self.peek()?.kind == *kind {
            return self.scanner.next().map(|token| Some(token.end));
        }
        Ok(None)
    }

    pub(super) fn error(&mut self, problem: &str) -> ParseError {
        match self.peek() {
            Ok(token) => ParseError::yaml(token.start, problem),
            Err(error) => error,
        }
    }

    fn add(&mut self, properties: Properties, content: SyntaxContent) -> NodeId {
        let id = NodeId(self.nodes.len());
        let Properties { at, anchor, tag } = properties;
        self.nodes.push(SyntaxNode { at, tag, content });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        id
    }

    /// Adds a node without content, which is null unless it has a tag.
    fn add_empty(&mut self, properties: Properties) -> NodeId {
        let is_implicit = properties.tag.is_none();
        let text = String::new();
        self.add(properties, SyntaxContent::Scalar { text, is_implicit })
    }

    pub(super) fn add_null(&mut self, at: Position) -> NodeId {
        self.add_empty(Properties {
            at,
            anchor: None,
            tag: None,
        })
    }

    fn document(&mut self) -> Result<Option<NodeId>, ParseError> {
        if self.peek()?.kind == Kind::StreamEnd {
            return Ok(None);
        }
        let has_directives = self.directives()?;
        let is_explicit = self.accept(&Kind::DocumentStart)?.is_some();
        if has_directives && !is_explicit {
            return Err(self
                .error("`kubectl` reads no document after directives")
                .hint("remove the lines that begin with `%`"));
        }
        let root = if is_explicit && self.is_document_end()? {
            let at = self.peek()?.start;
            self.add_null(at)
        } else {
            self.block(false, 0)?
        };
        // The token after the document is scanned too.
        self.peek()?;
        Ok(Some(root))
    }

    /// Parses directives, and returns whether there are any.
    fn directives(&mut self) -> Result<bool, ParseError> {
        let mut has_version = false;
        loop {
            match &self.peek()?.kind {
                Kind::Version { is_supported } => {
                    if has_version || !is_supported {
                        return Err(self
                            .error("only one directive `%YAML 1.1` is supported")
                            .hint("remove the line"));
                    }
                    has_version = true;
                    self.scanner.next()?;
                }
                Kind::TagPrefix { .. } => {
                    let token = self.scanner.next()?;
                    let Kind::TagPrefix { handle, prefix } = token.kind else {
                        continue;
                    };
                    if self.prefixes.insert(handle, prefix).is_some() {
                        return Err(ParseError::yaml(token.start, "duplicate `%TAG` directive"));
                    }
                }
                _ => break,
            }
        }
        let has_directives = has_version || !self.prefixes.is_empty();
        for (handle, prefix) in [("!", "!"), ("!!", YAML_PREFIX)] {
            self.prefixes
                .entry(handle.to_owned())
                .or_insert_with(|| prefix.to_owned());
        }
        Ok(has_directives)
    }

    pub(super) fn is_document_end(&mut self) -> Result<bool, ParseError> {
        Ok(matches!(
            self.peek()?.kind,
            Kind::Version { .. }
                | Kind::TagPrefix { .. }
                | Kind::DocumentStart
                | Kind::DocumentEnd
                | Kind::StreamEnd
        ))
    }

    pub(super) fn block(
        &mut self,
        is_sequence_allowed: bool,
        depth: usize,
    ) -> Result<NodeId, ParseError> {
        self.value(true, is_sequence_allowed, depth)
    }

    pub(super) fn flow(&mut self, depth: usize) -> Result<NodeId, ParseError> {
        self.value(false, false, depth)
    }

    /// Parses a node. A block sequence in a mapping need not be indented.
    fn value(
        &mut self,
        is_block: bool,
        is_sequence_allowed: bool,
        depth: usize,
    ) -> Result<NodeId, ParseError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        if let Kind::Alias(_) = self.peek()?.kind {
            return self.alias();
        }
        let properties = self.properties()?;
        match self.peek()?.kind {
            Kind::BlockEntry if is_sequence_allowed => self
                .sequence(properties, |parser, items| {
                    parser.indentless_sequence(items, depth + 1)
                }),
            Kind::Scalar { .. } => self.scalar(properties),
            Kind::FlowSequenceStart => self.sequence(properties, |parser, items| {
                parser.flow_sequence(items, depth + 1)
            }),
            Kind::FlowMappingStart => self.mapping(properties, |parser, fields| {
                parser.flow_mapping(fields, depth + 1)
            }),
            Kind::BlockSequenceStart if is_block => self.sequence(properties, |parser, items| {
                parser.block_sequence(items, depth + 1)
            }),
            Kind::BlockMappingStart if is_block => self.mapping(properties, |parser, fields| {
                parser.block_mapping(fields, depth + 1)
            }),
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                Ok(self.add_empty(properties))
            }
            _ => Err(self.error("did not find expected node content")),
        }
    }

    fn alias(&mut self) -> Result<NodeId, ParseError> {
        let token = self.scanner.next()?;
        let Kind::Alias(name) = token.kind else {
            return Err(ParseError::yaml(token.start, "did not find expected alias"));
        };
        let Some(target) = self.anchors.get(&name) else {
            return Err(ParseError::yaml(token.start, "unknown anchor").hint(
                "define the anchor before, in the same document; quote text that begins with `*`",
            ));
        };
        let content = SyntaxContent::Alias(*target);
        let properties = Properties {
            at: token.start,
            anchor: None,
            tag: None,
        };
        Ok(self.add(properties, content))
    }

    /// Parses an anchor and a tag, in any order.
    fn properties(&mut self) -> Result<Properties, ParseError> {
        let at = self.peek()?.start;
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.peek()?.kind {
                Kind::Anchor(_) if anchor.is_none() => {
                    if let Kind::Anchor(name) = self.scanner.next()?.kind {
                        anchor = Some(name);
                    }
                }
                Kind::Tag { .. } if tag.is_none() => tag = Some(self.tag()?),
                _ => return Ok(Properties { at, anchor, tag }),
            }
        }
    }

    /// Parses a tag, and replaces its handle.
    fn tag(&mut self) -> Result<String, ParseError> {
        let token = self.scanner.next()?;
        let Kind::Tag { handle, suffix } = token.kind else {
            return Err(ParseError::yaml(token.start, "did not find expected tag"));
        };
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.prefixes.get(&handle) {
            Some(prefix) => Ok(format!("{prefix}{suffix}")),
            None => Err(ParseError::yaml(token.start, "undefined tag handle")
                .hint("quote text that begins with `!`")),
        }
    }

    fn scalar(&mut self, properties: Properties) -> Result<NodeId, ParseError> {
        let token = self.scanner.next()?;
        let Kind::Scalar { text, is_plain } = token.kind else {
            return Err(ParseError::yaml(
                token.start,
                "did not find expected scalar",
            ));
        };
        let is_implicit = properties.tag.as_ref().map_or(is_plain, |tag| tag == "!");
        Ok(self.add(properties, SyntaxContent::Scalar { text, is_implicit }))
    }

    /// Adds a sequence. Its anchor exists before its items.
    fn sequence(
        &mut self,
        properties: Properties,
        parse: impl FnOnce(&mut Self, &mut Vec<NodeId>) -> Result<(), ParseError>,
    ) -> Result<NodeId, ParseError> {
        let id = self.add(properties, SyntaxContent::Sequence(Vec::new()));
        let mut items = Vec::new();
        parse(self, &mut items)?;
        self.nodes[id.0].content = SyntaxContent::Sequence(items);
        Ok(id)
    }

    /// Adds a mapping. Its anchor exists before its fields.
    pub(super) fn mapping(
        &mut self,
        properties: Properties,
        parse: impl FnOnce(&mut Self, &mut Vec<(NodeId, NodeId)>) -> Result<(), ParseError>,
    ) -> Result<NodeId, ParseError> {
        let id = self.add(properties, SyntaxContent::Mapping(Vec::new()));
        let mut fields = Vec::new();
        parse(self, &mut fields)?;
        self.nodes[id.0].content = SyntaxContent::Mapping(fields);
        Ok(id)
    }
}
