//! Nodes of a syntax tree.

use extension_registry_core::diagnostic::Position;

/// Maximum depth; Kubernetes objects are much flatter.
pub(crate) const MAX_DEPTH: usize = 100;

/// Index of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(super) usize);

/// Syntax tree of a document. Aliases refer to nodes.
pub(crate) struct Tree {
    pub(super) nodes: Vec<SyntaxNode>,
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
