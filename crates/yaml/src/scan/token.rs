//! Tokens.

use extension_registry_core::diagnostic::Position;

/// A token with its position.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// Kind of a [`Token`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `%YAML 1.1`
    Version {
        /// Whether it is the only one that go-yaml reads.
        is_supported: bool,
    },
    /// `%TAG !a! tag:example.org,2000:`
    TagPrefix {
        handle: String,
        prefix: String,
    },
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    BlockSequenceStart,
    BlockMappingStart,
    /// End of a block sequence or mapping.
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    /// `?`, or the start of a key without it.
    Key,
    /// `:`
    Value,
    /// `*name`
    Alias(String),
    /// `&name`
    Anchor(String),
    /// `!!int`: a handle, which may be empty, and the rest.
    Tag {
        handle: String,
        suffix: String,
    },
    Scalar {
        text: String,
        is_plain: bool,
    },
}
