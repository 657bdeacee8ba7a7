//! Syntax tree of a document, from the events of libyaml.

use std::collections::HashMap;

use extension_registry_core::diagnostic::Position;
use libyaml_safer::{Event, EventData, MappingStyle, Mark, Parser, ScalarStyle, SequenceStyle};

use crate::dialect::{Correction, Source};
use crate::error::ParseError;

/// Maximum depth; Kubernetes objects are much flatter.
pub(crate) const MAX_DEPTH: usize = 100;

/// Index of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(usize);

/// Syntax tree of a document. Aliases refer to nodes.
pub(crate) struct Tree {
    nodes: Vec<SyntaxNode>,
    pub(crate) root: NodeId,
}

/// A node with its tag and position.
pub(crate) struct SyntaxNode {
    pub(crate) at: Position,
    pub(crate) tag: Option<String>,
    pub(crate) content: SyntaxContent,
}

/// Content of a [`SyntaxNode`].
pub(crate) enum SyntaxContent {
    Scalar {
        text: String,
        /// Whether the text determines the type: it is plain, or its tag is `!`.
        is_implicit: bool,
    },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    /// The node with the anchor, which may be one around it.
    Alias(NodeId),
}

impl Tree {
    pub(crate) fn node(&self, id: NodeId) -> &SyntaxNode {
        &self.nodes[id.0]
    }
}

/// Parses a document that starts at a position. Returns nothing for an empty one. Like `kubectl`, it ignores what
/// follows the first document of the text, for instance after `...`.
pub(crate) fn parse(text: &str, start: Position) -> Result<Option<Tree>, ParseError> {
    let mut source = Source::new(text, start)?;
    loop {
        match Builder::new(&source).document() {
            Ok(tree) => return Ok(tree),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Correction(correction)) => source.correct(correction),
        }
    }
}

/// Why building a tree stopped.
enum Stop {
    Error(ParseError),
    /// go-yaml reads a character differently: the text must be corrected, and parsed again.
    Correction(Correction),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Error(error)
    }
}

struct Builder<'s> {
    source: &'s Source,
    parser: Parser<&'s [u8]>,
    nodes: Vec<SyntaxNode>,
    anchors: HashMap<String, NodeId>,
    /// Brackets that are open.
    brackets: Vec<Mark>,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Source) -> Self {
        let mut parser = Parser::new();
        // Without it, libyaml takes the first byte of some letters for a byte order mark.
        parser.set_encoding(libyaml_safer::Encoding::Utf8);
        parser.set_input(source.text().as_bytes());
        Self {
            source,
            parser,
            nodes: Vec::new(),
            anchors: HashMap::new(),
            brackets: Vec::new(),
        }
    }

    fn next(&mut self) -> Result<Event, Stop> {
        self.parser.parse().map_err(|error| {
            self.source.correction(&error).map_or_else(
                || Stop::Error(self.source.error(&error, self.brackets.last())),
                Stop::Correction,
            )
        })
    }

    fn document(mut self) -> Result<Option<Tree>, Stop> {
        // The start of the stream.
        self.next()?;
        let start = self.next()?;
        let EventData::DocumentStart {
            version_directive, ..
        } = &start.data
        else {
            return Ok(None);
        };
        let is_unsupported = version_directive.is_some_and(|version| version.minor != 1);
        self.source
            .check_version(start.start_mark, is_unsupported)?;
        let event = self.next()?;
        let root = self.node(event, 0)?;
        // The end of the document: the token after it is scanned, too.
        let end = self.next()?;
        self.source.check_version(end.end_mark, false)?;
        let nodes = self.nodes;
        Ok(Some(Tree { nodes, root }))
    }

    fn add(&mut self, at: Mark, tag: Option<String>, content: SyntaxContent) -> NodeId {
        let id = NodeId(self.nodes.len());
        let at = self.source.position(at);
        self.nodes.push(SyntaxNode { at, tag, content });
        id
    }

    /// Adds the node that starts with an event.
    fn node(&mut self, event: Event, depth: usize) -> Result<NodeId, Stop> {
        let at = event.start_mark;
        let end = event.end_mark;
        if depth > MAX_DEPTH {
            let at = self.source.position(at);
            return Err(ParseError::yaml(at, "nested too deeply").into());
        }
        match event.data {
            EventData::Alias { anchor } => {
                let Some(target) = self.anchors.get(&anchor) else {
                    let error = ParseError::yaml(self.source.position(at), "unknown anchor");
                    let hint = "define the anchor before, in the same document; quote text that begins with `*`";
                    return Err(error.hint(hint).into());
                };
                let content = SyntaxContent::Alias(*target);
                Ok(self.add(at, None, content))
            }
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                style,
                ..
            } => {
                let text = if style == ScalarStyle::Plain && !self.brackets.is_empty() {
                    self.source
                        .plain_in_brackets(value, [at, end])
                        .map_err(|stop| match stop {
                            Ok(correction) => Stop::Correction(correction),
                            Err(error) => Stop::Error(error),
                        })?
                } else {
                    self.source.restore(value, style)
                };
                let is_implicit = plain_implicit;
                let id = self.add(at, tag, SyntaxContent::Scalar { text, is_implicit });
                self.define(anchor, id);
                Ok(id)
            }
            EventData::SequenceStart {
                anchor, tag, style, ..
            } => {
                let id = self.add(at, tag, SyntaxContent::Sequence(Vec::new()));
                self.define(anchor, id);
                let is_flow = style == SequenceStyle::Flow;
                let items = self.children(is_flow.then_some(end), depth)?;
                self.nodes[id.0].content = SyntaxContent::Sequence(items);
                Ok(id)
            }
            EventData::MappingStart {
                anchor, tag, style, ..
            } => {
                let id = self.add(at, tag, SyntaxContent::Mapping(Vec::new()));
                self.define(anchor, id);
                // A pair in a flow sequence has no brackets.
                let is_flow = style == MappingStyle::Flow && self.source.before(end) == Some('{');
                let parts = self.children(is_flow.then_some(end), depth)?;
                let (pairs, _) = parts.as_chunks::<2>();
                let fields = pairs.iter().map(|[key, value]| (*key, *value)).collect();
                self.nodes[id.0].content = SyntaxContent::Mapping(fields);
                Ok(id)
            }
            _ => Err(ParseError::yaml(self.source.position(at), "unexpected end").into()),
        }
    }

    fn define(&mut self, anchor: Option<String>, id: NodeId) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
    }

    /// Adds the nodes up to the end of their collection. `bracket` is the place after the bracket that opens it.
    fn children(&mut self, bracket: Option<Mark>, depth: usize) -> Result<Vec<NodeId>, Stop> {
        self.brackets.extend(bracket);
        let mut nodes = Vec::new();
        loop {
            let event = self.next()?;
            if let EventData::SequenceEnd | EventData::MappingEnd = event.data {
                break;
            }
            nodes.push(self.node(event, depth + 1)?);
        }
        if bracket.is_some() {
            self.brackets.pop();
        }
        Ok(nodes)
    }
}
