//! JSON as Go reads it, with positions.

use std::collections::HashMap;

use extension_registry_core::diagnostic::Position;
use serde_json::{Map, Value};

use crate::error::ParseError;
use crate::marks::{Children, Marks};
use crate::number;
use crate::syntax::MAX_DEPTH;

/// A value, and what is wrong with it. It has no value if a number is too large.
pub(crate) struct Parsed {
    pub(crate) document: Option<(Value, Marks)>,
    pub(crate) errors: Vec<ParseError>,
}

/// Reader of JSON values, one after the other.
#[derive(Clone)]
pub(crate) struct JsonReader<'t> {
    rest: &'t str,
    at: Position,
}

impl<'t> JsonReader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let at = Position { line: 1, column: 1 };
        Self { rest: text, at }
    }

    /// Returns the rest of the text and its position.
    pub(crate) fn rest(&self) -> (&'t str, Position) {
        (self.rest, self.at)
    }

    /// Skips so many bytes.
    pub(crate) fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        if let Some((_, last)) = skipped.rsplit_once('\n') {
            self.at.line += skipped.matches('\n').count();
            self.at.column = 1 + last.chars().count();
        } else {
            self.at.column += skipped.chars().count();
        }
    }

    /// Reads the next value; None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Parsed>, ParseError> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut errors = Vec::new();
        let (value, marks) = self.value(&mut errors, 0)?;
        let is_sound = errors.iter().all(|error| error.rule != "syntax");
        let document = is_sound.then_some((value, marks));
        Ok(Some(Parsed { document, errors }))
    }

    fn error(&self, problem: &str) -> ParseError {
        ParseError::syntax(self.at, format!("invalid JSON: {problem}"))
    }

    fn skip_blanks(&mut self) {
        let blank = |character| matches!(character, ' ' | '\t' | '\r' | '\n');
        let rest = self.rest.trim_start_matches(blank);
        self.skip(self.rest.len() - rest.len());
    }

    /// Skips blanks, and the text if it follows.
    fn accept(&mut self, text: &str) -> bool {
        self.skip_blanks();
        let is_next = self.rest.starts_with(text);
        if is_next {
            self.skip(text.len());
        }
        is_next
    }

    fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.accept(text) {
            return Ok(());
        }
        let found = if self.rest.is_empty() {
            "unexpected end of file, "
        } else {
            ""
        };
        Err(self.error(&format!("{found}expected `{text}`")))
    }

    fn value(
        &mut self,
        errors: &mut Vec<ParseError>,
        depth: usize,
    ) -> Result<(Value, Marks), ParseError> {
        self.skip_blanks();
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(ParseError::syntax(at, "nested too deeply"));
        }
        let (value, children) = match self.rest.bytes().next() {
            Some(b'{') => self.object(errors, depth)?,
            Some(b'[') => self.array(errors, depth)?,
            Some(b'"') => (Value::String(self.string()?), Children::None),
            Some(b'-' | b'0'..=b'9') => {
                let text = self.number()?;
                let value = number(text).unwrap_or_else(|| {
                    errors.push(ParseError::syntax(at, "number out of range"));
                    Value::Null
                });
                (value, Children::Scalar(text.into()))
            }
            _ => {
                let words = [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ];
                let found = words.into_iter().find(|(word, _)| self.accept(word));
                let Some((word, value)) = found else {
                    return Err(self.error("expected a value"));
                };
                (value, Children::Scalar(word.into()))
            }
        };
        Ok((value, Marks { at, children }))
    }

    fn array(
        &mut self,
        errors: &mut Vec<ParseError>,
        depth: usize,
    ) -> Result<(Value, Children), ParseError> {
        self.expect("[")?;
        let (mut items, mut marks) = (Vec::new(), Vec::new());
        if !self.accept("]") {
            loop {
                let (item, mark) = self.value(errors, depth + 1)?;
                items.push(item);
                marks.push(mark);
                if !self.accept(",") {
                    break;
                }
            }
            self.expect("]")?;
        }
        Ok((Value::Array(items), Children::Items(marks)))
    }

    fn object(
        &mut self,
        errors: &mut Vec<ParseError>,
        depth: usize,
    ) -> Result<(Value, Children), ParseError> {
        self.expect("{")?;
        let (mut fields, mut marks) = (Map::new(), Vec::<(String, Marks)>::new());
        let mut places = HashMap::new();
        if !self.accept("}") {
            loop {
                self.skip_blanks();
                let at = self.at;
                let key = self.string()?;
                self.expect(":")?;
                let (value, mut mark) = self.value(errors, depth + 1)?;
                mark.at = at;
                if let Some(first) = fields.get(&key) {
                    errors.push(ParseError::duplicate_key(&key, &key, at, [first, &value]));
                    let place: usize = places[&key];
                    marks[place].1 = mark;
                } else {
                    places.insert(key.clone(), marks.len());
                    marks.push((key.clone(), mark));
                }
                // The last one wins.
                fields.insert(key, value);
                if !self.accept(",") {
                    break;
                }
            }
            self.expect("}")?;
        }
        Ok((Value::Object(fields), Children::Fields(marks)))
    }

    fn string(&mut self) -> Result<String, ParseError> {
        if !self.rest.starts_with('"') {
            return Err(self.error("expected a string in double quotes"));
        }
        self.skip(1);
        let mut text = String::new();
        loop {
            let is_special = |character| matches!(character, '"' | '\\' | '\0'..='\u{1f}');
            let length = self.rest.find(is_special).unwrap_or(self.rest.len());
            text.push_str(&self.rest[..length]);
            self.skip(length);
            match self.rest.bytes().next() {
                Some(b'"') => {
                    self.skip(1);
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escaped()?),
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("unclosed string")),
            }
        }
    }

    /// Reads an escape sequence. A surrogate without its pair becomes a replacement character.
    fn escaped(&mut self) -> Result<char, ParseError> {
        let character = match self.rest.as_bytes().get(1) {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(*letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let Some(first) = unit(self.rest) else {
                    return Err(self.error("invalid escape sequence"));
                };
                self.skip(6);
                if let Some(second) = unit(self.rest)
                    && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
                    && pair.len_utf16() == 2
                {
                    self.skip(6);
                    return Ok(pair);
                }
                let single = char::from_u32(first.into());
                return Ok(single.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.error("invalid escape sequence")),
        };
        self.skip(2);
        Ok(character)
    }

    /// Reads the text of a number.
    fn number(&mut self) -> Result<&'t str, ParseError> {
        let text = self.rest;
        let bytes = text.as_bytes();
        let digits = |start: usize| {
            let digits = bytes.iter().skip(start);
            start + digits.take_while(|byte| byte.is_ascii_digit()).count()
        };
        let start = usize::from(text.starts_with('-'));
        let mut end = if bytes.get(start) == Some(&b'0') {
            start + 1
        } else {
            digits(start)
        };
        let mut is_valid = end > start;
        if bytes.get(end) == Some(&b'.') {
            let fraction = end + 1;
            end = digits(fraction);
            is_valid &= end > fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = bytes.get(end + 1);
            let exponent = end + 1 + usize::from(matches!(sign, Some(b'+' | b'-')));
            end = digits(exponent);
            is_valid &= end > exponent;
        }
        if !is_valid {
            return Err(self.error("invalid number"));
        }
        self.skip(end);
        Ok(&text[..end])
    }
}

/// Returns the code unit of an escape sequence at the start of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let unit = is_hexadecimal.then(|| u16::from_str_radix(digits, 16));
    unit?.ok()
}

/// Returns the value of a number; None if it is too large.
fn number(text: &str) -> Option<Value> {
    text.parse::<i64>().map_or_else(
        |_| number::parse_float(text).and_then(number::from_float),
        |integer| Some(integer.into()),
    )
}
