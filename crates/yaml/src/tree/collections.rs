//! Parses sequences and mappings.

use extension_registry_core::diagnostic::Position;

use super::node::NodeId;
use super::parser::{Parser, Properties};
use crate::error::ParseError;
use crate::scan::Kind;

impl Parser<'_> {
    pub(super) fn block_sequence(
        &mut self,
        items: &mut Vec<NodeId>,
        depth: usize,
    ) -> Result<(), ParseError> {
        self.scanner.next()?;
        while let Some(end) = self.accept(&Kind::BlockEntry)? {
            items.push(if self.is_next(&[Kind::BlockEntry, Kind::BlockEnd])? {
                self.add_null(end)
            } else {
                self.block(false, depth)?
            });
        }
        if self.accept(&Kind::BlockEnd)?.is_none() {
            return Err(self
                .error("did not find expected '-' indicator")
                .hint("check the indentation"));
        }
        Ok(())
    }

    pub(super) fn indentless_sequence(
        &mut self,
        items: &mut Vec<NodeId>,
        depth: usize,
    ) -> Result<(), ParseError> {
        let ends = [Kind::BlockEntry, Kind::Key, Kind::Value, Kind::BlockEnd];
        while let Some(end) = self.accept(&Kind::BlockEntry)? {
            items.push(if self.is_next(&ends)? {
                self.add_null(end)
            } else {
                self.block(false, depth)?
            });
        }
        Ok(())
    }

    pub(super) fn block_mapping(
        &mut self,
        fields: &mut Vec<(NodeId, NodeId)>,
        depth: usize,
    ) -> Result<(), ParseError> {
        self.scanner.next()?;
        while let Some(end) = self.accept(&Kind::Key)? {
            let key = self.block_mapping_part(end, depth)?;
            let value = if let Some(end) = self.accept(&Kind::Value)? {
                self.block_mapping_part(end, depth)?
            } else {
                let at = self.peek()?.start;
                self.add_null(at)
            };
            fields.push((key, value));
        }
        if self.accept(&Kind::BlockEnd)?.is_none() {
            return Err(self
                .error("did not find expected key")
                .hint("check the indentation"));
        }
        Ok(())
    }

    /// Parses a key or value of a block mapping.
    fn block_mapping_part(&mut self, end: Position, depth: usize) -> Result<NodeId, ParseError> {
        if self.is_next(&[Kind::Key, Kind::Value, Kind::BlockEnd])? {
            Ok(self.add_null(end))
        } else {
            self.block(true, depth)
        }
    }

    pub(super) fn flow_sequence(
        &mut self,
        items: &mut Vec<NodeId>,
        depth: usize,
    ) -> Result<(), ParseError> {
        let open = self.scanner.next()?.start;
        let mut is_first = true;
        while !self.is_closed(open, &Kind::FlowSequenceEnd)? {
            if !is_first && self.accept(&Kind::FlowEntry)?.is_none() {
                return Err(self
                    .error("did not find expected ',' or ']'")
                    .hint("add a comma, or close the bracket"));
            }
            is_first = false;
            if let Kind::Key = self.peek()?.kind {
                items.push(self.flow_pair(depth)?);
            } else if !self.is_closed(open, &Kind::FlowSequenceEnd)? {
                items.push(self.flow(depth)?);
            }
        }
        self.scanner.next().map(drop)
    }

    /// Returns whether a flow collection is at its end. At the end of the document, reports the bracket that opens it.
    fn is_closed(&mut self, open: Position, end: &Kind) -> Result<bool, ParseError> {
        if self.is_document_end()? {
            let bracket = if *end == Kind::FlowSequenceEnd {
                '['
            } else {
                '{'
            };
            let problem = format!("unclosed bracket '{bracket}'");
            return Err(ParseError::yaml(open, &problem));
        }
        Ok(self.peek()?.kind == *end)
    }

    /// Parses a mapping with one field and without braces, in a flow sequence.
    fn flow_pair(&mut self, depth: usize) -> Result<NodeId, ParseError> {
        let at = self.scanner.next()?.start;
        let properties = Properties {
            at,
            anchor: None,
            tag: None,
        };
        let ends = [Kind::FlowEntry, Kind::FlowSequenceEnd];
        self.mapping(properties, |parser, fields| {
            let is_empty = parser.is_next(&ends)? || parser.is_next(&[Kind::Value])?;
            let key = if is_empty {
                // libyaml consumes the token after an empty key.
                let end = parser.scanner.next()?.end;
                parser.add_null(end)
            } else {
                parser.flow(depth + 1)?
            };
            let value = parser.flow_value(&ends, depth + 1)?;
            fields.push((key, value));
            Ok(())
        })
    }

    /// Parses `:` and a value, which are both optional.
    fn flow_value(&mut self, ends: &[Kind], depth: usize) -> Result<NodeId, ParseError> {
        let at = self.peek()?.start;
        if self.accept(&Kind::Value)?.is_some() && !self.is_next(ends)? {
            return self.flow(depth);
        }
        Ok(self.add_null(at))
    }

    pub(super) fn flow_mapping(
        &mut self,
        fields: &mut Vec<(NodeId, NodeId)>,
        depth: usize,
    ) -> Result<(), ParseError> {
        let open = self.scanner.next()?.start;
        let ends = [Kind::FlowEntry, Kind::FlowMappingEnd];
        let mut is_first = true;
        while !self.is_closed(open, &Kind::FlowMappingEnd)? {
            if !is_first && self.accept(&Kind::FlowEntry)?.is_none() {
                return Err(self
                    .error("did not find expected ',' or '}'")
                    .hint("add a comma, or close the bracket"));
            }
            is_first = false;
            if self.accept(&Kind::Key)?.is_some() {
                let is_empty = self.is_next(&ends)? || self.is_next(&[Kind::Value])?;
                let key = if is_empty {
                    let at = self.peek()?.start;
                    self.add_null(at)
                } else {
                    self.flow(depth)?
                };
                let value = self.flow_value(&ends, depth)?;
                fields.push((key, value));
            } else if !self.is_closed(open, &Kind::FlowMappingEnd)? {
                let key = self.flow(depth)?;
                let at = self.peek()?.start;
                let value = self.add_null(at);
                fields.push((key, value));
            }
        }
        self.scanner.next().map(drop)
    }
}
