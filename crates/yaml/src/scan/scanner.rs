//! Splits a document into tokens.

use std::collections::VecDeque;

use extension_registry_core::diagnostic::Position;

use super::cursor::{Cursor, END, Mark, is_blank, is_blank_or_end, is_break};
use super::token::{Kind, Token};
use super::{block, directive, property, quoted, unquoted};
use crate::error::ParseError;

/// Maximum length of a key without `?`, in characters.
const MAX_KEY: usize = 1024;

/// Start of a node that becomes a key if `:` follows.
#[derive(Clone, Copy)]
struct SimpleKey {
    is_possible: bool,
    /// Whether anything else would be an error, because a mapping has this indentation.
    is_required: bool,
    /// Number of the token that may become the first of the key.
    token: usize,
    mark: Mark,
}

/// Scanner of a document.
pub(crate) struct Scanner<'t> {
    cursor: Cursor<'t>,
    tokens: VecDeque<Token>,
    /// Number of tokens that were returned.
    returned: usize,
    /// Column of the current block collection.
    indent: Option<usize>,
    /// Those of the collections around it.
    indents: Vec<Option<usize>>,
    /// One of each flow collection, and one of the block around them.
    keys: Vec<SimpleKey>,
    is_key_allowed: bool,
}

impl<'t> Scanner<'t> {
    /// Creates a scanner of a document. The position is that of its start in the file.
    ///
    /// # Errors
    /// If the text has characters that YAML does not allow.
    pub(crate) fn new(text: &'t str, start: Position) -> Result<Self, ParseError> {
        let cursor = Cursor::new(text, start)?;
        let keys = vec![SimpleKey {
            is_possible: false,
            is_required: false,
            token: 0,
            mark: cursor.mark(),
        }];
        Ok(Self {
            cursor,
            tokens: VecDeque::new(),
            returned: 0,
            indent: None,
            indents: Vec::new(),
            keys,
            is_key_allowed: true,
        })
    }

    /// Returns the next token without consuming it.
    pub(crate) fn peek(&mut self) -> Result<&Token, ParseError> {
        while self.tokens.is_empty() || self.may_become_key()? {
            self.fetch()?;
        }
        Ok(&self.tokens[0])
    }

    /// Consumes the next token.
    pub(crate) fn next(&mut self) -> Result<Token, ParseError> {
        self.peek()?;
        self.returned += 1;
        self.tokens
            .pop_front()
            .ok_or_else(|| self.cursor.error("unexpected end"))
    }

    /// Returns whether the next token may become the first of a key: the token of the key would be inserted before it.
    fn may_become_key(&mut self) -> Result<bool, ParseError> {
        let next = self.returned;
        let level = self
            .keys
            .iter()
            .position(|key| key.is_possible && key.token == next);
        level.map_or(Ok(false), |level| self.is_key(level))
    }

    fn is_flow(&self) -> bool {
        self.keys.len() > 1
    }

    /// Returns the key of the current level.
    fn level(&self) -> usize {
        self.keys.len() - 1
    }

    /// Returns whether a node can still become a key: it is on this line, and not too long.
    fn is_key(&mut self, level: usize) -> Result<bool, ParseError> {
        let key = self.keys[level];
        let mark = self.cursor.mark();
        if !key.is_possible {
            return Ok(false);
        }
        if key.mark.line < mark.line || key.mark.index + MAX_KEY < mark.index {
            self.forget_key(level)?;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_key(&mut self) -> Result<(), ParseError> {
        if self.is_key_allowed {
            let level = self.level();
            self.forget_key(level)?;
            let mark = self.cursor.mark();
            self.keys[level] = SimpleKey {
                is_possible: true,
                is_required: !self.is_flow() && self.indent == Some(mark.column),
                token: self.returned + self.tokens.len(),
                mark,
            };
        }
        Ok(())
    }

    fn forget_key(&mut self, level: usize) -> Result<(), ParseError> {
        let key = &mut self.keys[level];
        if key.is_possible && key.is_required {
            let at = self.cursor.position(key.mark);
            return Err(
                ParseError::yaml(at, "could not find expected ':' after a key")
                    .hint("add `:`, or indent the line if it continues the line before"),
            );
        }
        key.is_possible = false;
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: Position) {
        let end = self.cursor.here();
        self.tokens.push_back(Token { kind, start, end });
    }

    /// Adds a token of so many characters.
    fn push_indicator(&mut self, kind: Kind, length: usize) {
        let start = self.cursor.here();
        self.cursor.skip(length);
        self.push(kind, start);
    }

    /// Starts a block collection, if the column is right of the current one.
    fn roll_indent(&mut self, mark: Mark, token: Option<usize>, kind: Kind) {
        if self.is_flow() || self.indent.is_some_and(|indent| indent >= mark.column) {
            return;
        }
        self.indents.push(self.indent);
        self.indent = Some(mark.column);
        let at = self.cursor.position(mark);
        let index = token.map_or(self.tokens.len(), |token| token - self.returned);
        let (start, end) = (at, at);
        self.tokens.insert(index, Token { kind, start, end });
    }

    /// Ends the block collections that are right of a column; all, without one.
    fn unroll_indent(&mut self, column: Option<usize>) {
        if self.is_flow() {
            return;
        }
        while self.indent > column {
            let here = self.cursor.here();
            self.push(Kind::BlockEnd, here);
            self.indent = self.indents.pop().flatten();
        }
    }

    /// Adds the next token, and others that it implies.
    fn fetch(&mut self) -> Result<(), ParseError> {
        self.skip_to_token();
        let mark = self.cursor.mark();
        self.unroll_indent(Some(mark.column));
        let (current, next) = (self.cursor.current(), self.cursor.at(1));
        if current == END {
            return self.end_stream();
        }
        if mark.column == 0 && current == '%' {
            return self.directive();
        }
        if self.cursor.is_document_indicator() {
            return self.document_indicator();
        }
        let is_separate = is_blank_or_end(next);
        let is_indicator = self.is_flow() || is_separate;
        match current {
            '[' => self.start_flow(Kind::FlowSequenceStart),
            '{' => self.start_flow(Kind::FlowMappingStart),
            ']' => self.end_flow(Kind::FlowSequenceEnd),
            '}' => self.end_flow(Kind::FlowMappingEnd),
            ',' => {
                self.forget_key(self.level())?;
                self.is_key_allowed = true;
                self.push_indicator(Kind::FlowEntry, 1);
                Ok(())
            }
            '-' if is_separate => self.entry(),
            '?' if is_indicator => self.key(),
            ':' if is_indicator => self.value(),
            '*' | '&' => self.node(|scanner| {
                let name = property::name(&mut scanner.cursor)?;
                Ok(if current == '*' {
                    Kind::Alias(name)
                } else {
                    Kind::Anchor(name)
                })
            }),
            '!' => self.node(|scanner| property::tag(&mut scanner.cursor)),
            '|' | '>' if !self.is_flow() => self.block_scalar(current == '|'),
            '\'' | '"' => self.node(|scanner| {
                let text = quoted::scalar(&mut scanner.cursor)?;
                let is_plain = false;
                Ok(Kind::Scalar { text, is_plain })
            }),
            '-' if !is_blank(next) => self.plain(),
            '?' | ':' if !self.is_flow() => self.plain(),
            '-' | '?' | ':' | '#' | '|' | '>' | '%' | '@' | '`' | '\t' => {
                let (problem, hint) = if current == '\t' {
                    (
                        "found a tab that cannot start any token",
                        "indent with spaces",
                    )
                } else {
                    (
                        "found character that cannot start any token",
                        "quote the text",
                    )
                };
                Err(self.cursor.error(problem).hint(hint))
            }
            _ => self.plain(),
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            // At the start of a line, a tab would be indentation.
            let is_tab_allowed = self.is_flow() || !self.is_key_allowed;
            self.cursor
                .skip_while(|next| next == ' ' || is_tab_allowed && next == '\t');
            if self.cursor.current() == '#' {
                self.cursor.skip_to_line_end();
            }
            if !is_break(self.cursor.current()) {
                break;
            }
            self.cursor.skip_break();
            if !self.is_flow() {
                self.is_key_allowed = true;
            }
        }
    }

    fn end_stream(&mut self) -> Result<(), ParseError> {
        self.cursor.end_line();
        self.unroll_indent(None);
        self.forget_key(self.level())?;
        self.is_key_allowed = false;
        self.push_indicator(Kind::StreamEnd, 0);
        Ok(())
    }

    fn directive(&mut self) -> Result<(), ParseError> {
        self.unroll_indent(None);
        self.forget_key(self.level())?;
        self.is_key_allowed = false;
        let start = self.cursor.here();
        let kind = directive::directive(&mut self.cursor)?;
        self.push(kind, start);
        Ok(())
    }

    fn document_indicator(&mut self) -> Result<(), ParseError> {
        self.unroll_indent(None);
        self.forget_key(self.level())?;
        self.is_key_allowed = false;
        let kind = if self.cursor.current() == '-' {
            Kind::DocumentStart
        } else {
            Kind::DocumentEnd
        };
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn start_flow(&mut self, kind: Kind) -> Result<(), ParseError> {
        self.save_key()?;
        self.keys.push(SimpleKey {
            is_possible: false,
            is_required: false,
            token: 0,
            mark: self.cursor.mark(),
        });
        self.is_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn end_flow(&mut self, kind: Kind) -> Result<(), ParseError> {
        self.forget_key(self.level())?;
        if self.is_flow() {
            self.keys.pop();
        }
        self.is_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    /// Adds `-`. In a flow collection, the parser reports it.
    fn entry(&mut self) -> Result<(), ParseError> {
        if !self.is_flow() {
            if !self.is_key_allowed {
                return Err(self
                    .cursor
                    .error("block sequence entries are not allowed in this context")
                    .hint("begin the list on the next line"));
            }
            self.roll_indent(self.cursor.mark(), None, Kind::BlockSequenceStart);
        }
        self.forget_key(self.level())?;
        self.is_key_allowed = true;
        self.push_indicator(Kind::BlockEntry, 1);
        Ok(())
    }

    /// Adds `?`.
    fn key(&mut self) -> Result<(), ParseError> {
        if !self.is_flow() {
            if !self.is_key_allowed {
                return Err(self
                    .cursor
                    .error("mapping keys are not allowed in this context")
                    .hint("begin the mapping on the next line"));
            }
            self.roll_indent(self.cursor.mark(), None, Kind::BlockMappingStart);
        }
        self.forget_key(self.level())?;
        self.is_key_allowed = !self.is_flow();
        self.push_indicator(Kind::Key, 1);
        Ok(())
    }

    /// Adds `:`, and the start of its key.
    fn value(&mut self) -> Result<(), ParseError> {
        let level = self.level();
        if self.is_key(level)? {
            let SimpleKey { token, mark, .. } = self.keys[level];
            let at = self.cursor.position(mark);
            let (kind, start, end) = (Kind::Key, at, at);
            self.tokens
                .insert(token - self.returned, Token { kind, start, end });
            self.roll_indent(mark, Some(token), Kind::BlockMappingStart);
            self.keys[level].is_possible = false;
            self.is_key_allowed = false;
        } else {
            if !self.is_flow() {
                if !self.is_key_allowed {
                    return Err(self
                        .cursor
                        .error("mapping values are not allowed in this context")
                        .hint("quote text that contains `: `, and check the indentation"));
                }
                self.roll_indent(self.cursor.mark(), None, Kind::BlockMappingStart);
            }
            self.is_key_allowed = !self.is_flow();
        }
        self.push_indicator(Kind::Value, 1);
        Ok(())
    }

    /// Adds a token that may become the first of a key.
    fn node(
        &mut self,
        scan: impl FnOnce(&mut Self) -> Result<Kind, ParseError>,
    ) -> Result<(), ParseError> {
        self.save_key()?;
        self.is_key_allowed = false;
        let start = self.cursor.here();
        let kind = scan(self)?;
        self.push(kind, start);
        Ok(())
    }

    fn plain(&mut self) -> Result<(), ParseError> {
        self.save_key()?;
        let start = self.cursor.here();
        let is_flow = self.is_flow();
        let indent = self.indent.map_or(0, |indent| indent + 1);
        let scalar = unquoted::scalar(&mut self.cursor, is_flow, indent)?;
        self.is_key_allowed = scalar.has_break;
        let (text, is_plain) = (scalar.text, true);
        let kind = Kind::Scalar { text, is_plain };
        let end = scalar.end;
        self.tokens.push_back(Token { kind, start, end });
        Ok(())
    }

    fn block_scalar(&mut self, is_literal: bool) -> Result<(), ParseError> {
        self.forget_key(self.level())?;
        self.is_key_allowed = true;
        let start = self.cursor.here();
        let text = block::scalar(&mut self.cursor, is_literal, self.indent)?;
        let is_plain = false;
        self.push(Kind::Scalar { text, is_plain }, start);
        Ok(())
    }
}
