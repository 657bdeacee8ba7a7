//! Syntax tree of a document.

mod collections;
mod node;
mod parser;

pub(crate) use node::{MAX_DEPTH, NodeId, SyntaxContent, Tree};
pub(crate) use parser::parse;
