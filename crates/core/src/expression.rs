//! Expressions in step inputs, environment and arguments.
//!
//! ```text
//! {{ extension.NAME.KEY }}       a key of the binding of requirement NAME
//! {{ extension.NAME.cfg.KEY }}   the same, restricted to configuration entries
//! {{ inputs.NAME }}              an input of the workflow
//! {{ steps.STEP.outputs.NAME }}  an output of an earlier step
//! ```
//!
//! `extensions` is an alias of `extension`. White space inside the braces is optional. NAME
//! has no dots, KEY is the rest, so `{{ extension.registry..dockerconfigjson }}` has the
//! key `.dockerconfigjson`, `{{ extension.store.cfg }}` the key `cfg`, and a key that itself
//! begins with `cfg.` needs the long form.
//!
//! Braces are an expression if their first word is `extension`, `extensions`, `inputs` or `steps`; the
//! word ends at a dot, at whitespace and at a brace. Invalid expressions are errors. Braces whose first
//! word closely resembles one of these are rejected too; only a word of letters, digits, `-` and `_` can
//! resemble one, so `{{ $steps }}` and `{{#inputs}}` of other template languages do not. All other braces
//! are literal text, byte for byte, and so is `$(params.a)`.
//!
//! Corner cases:
//! - Each `{{` is parsed by itself, so literal braces do not protect an expression inside them:
//!   `{{ print "{{ inputs.a }}" }}` contains one expression, `{{ "{{" }}` none.
//! - In a run of more than two braces, the last two open and the first two close:
//!   `{{{ inputs.a }}}` is `{`, an expression, `}`.
//! - An expression without `}}` before the next `{{` is an error. A near miss without it is literal text.

mod near;
mod reference;
mod segment;

use std::fmt;

pub use segment::{ExpressionError, Segment};

/// Resolves a key alias: `url`, `product`, `service_resource` and `service_category` mean `uri`,
/// `provider`, `type` and `category`. Other keys are returned unchanged.
///
/// Not applicable to keys after `.cfg.`, which are names of configuration entries only.
#[must_use]
pub fn canonical_key(key: &str) -> &str {
    match key {
        "url" => "uri",
        "product" => "provider",
        "service_resource" => "type",
        "service_category" => "category",
        other => other,
    }
}

/// A text, parsed into expressions and the literal text between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'t> {
    /// At least one segment; text segments are never adjacent, and empty only if the whole text is.
    pub segments: Vec<Segment<'t>>,
    sources: Vec<&'t str>,
}

impl<'t> Template<'t> {
    /// Parses `text` in linear time.
    ///
    /// # Errors
    /// Returns every error in it, in text order.
    pub fn parse(text: &'t str) -> Result<Self, Vec<ExpressionError>> {
        let mut template = Self {
            segments: Vec::new(),
            sources: Vec::new(),
        };
        let mut errors = Vec::new();
        let mut column = Columns {
            text,
            offset: 0,
            column: 1,
        };
        let mut literal_from = 0;
        let mut from = 0;
        while let Some(open) = next_opening(text, from) {
            from = open + 2;
            let braces = Braces::at(text, from);
            let keyword = near::keyword(braces.word);
            if keyword == near::Keyword::Other {
                continue;
            }
            let word_column = column.at(braces.word_offset);
            let result = match (keyword, braces.content) {
                (near::Keyword::Exact, Some(content)) => {
                    reference::parse(content, word_column).map(|segment| (segment, content))
                }
                (near::Keyword::Exact, None) => Err(reference::unclosed(word_column)),
                (near::Keyword::Near(meant), Some(_)) => {
                    Err(near::unknown_keyword(braces.word, meant, word_column))
                }
                _ => continue,
            };
            match result {
                Ok((segment, content)) => {
                    template.push_text(&text[literal_from..open]);
                    let end = from + content.len() + 2;
                    template.segments.push(segment);
                    template.sources.push(&text[open..end]);
                    literal_from = end;
                    from = end;
                }
                Err(error) => errors.push(error),
            }
        }
        template.push_text(&text[literal_from..]);
        if template.segments.is_empty() {
            template.segments.push(Segment::Text(text));
            template.sources.push(text);
        }
        if errors.is_empty() {
            Ok(template)
        } else {
            Err(errors)
        }
    }

    /// Returns the only segment if the whole text is one expression. Anything outside its braces, even
    /// a space, makes it a text with an expression inside.
    #[must_use]
    pub fn whole(&self) -> Option<&Segment<'t>> {
        match self.segments.as_slice() {
            [Segment::Text(_)] => None,
            [segment] => Some(segment),
            _ => None,
        }
    }

    /// Returns whether the text contains an expression.
    #[must_use]
    pub fn has_expressions(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| !matches!(segment, Segment::Text(_)))
    }

    /// Returns the source of each segment, with its braces. Concatenated, they give the whole text.
    #[must_use]
    pub fn sources(&self) -> &[&'t str] {
        &self.sources
    }

    fn push_text(&mut self, text: &'t str) {
        if !text.is_empty() {
            self.segments.push(Segment::Text(text));
            self.sources.push(text);
        }
    }
}

impl fmt::Display for Template<'_> {
    /// Writes the original text.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sources
            .iter()
            .try_for_each(|source| formatter.write_str(source))
    }
}

/// Returns the offset of the last two braces of the next run of opening braces.
fn next_opening(text: &str, from: usize) -> Option<usize> {
    let start = from + text[from..].find("{{")?;
    let run = text[start..]
        .bytes()
        .take_while(|byte| *byte == b'{')
        .count();
    Some(start + run - 2)
}

/// The text that follows an opening `{{`.
struct Braces<'t> {
    word: &'t str,
    word_offset: usize,
    /// The text before `}}`; `None` if the next `{{` comes first.
    content: Option<&'t str>,
}

impl<'t> Braces<'t> {
    /// Parses the text at `offset`, which is behind the braces.
    fn at(text: &'t str, offset: usize) -> Self {
        let rest = &text[offset..];
        let rest = rest.find("{{").map_or(rest, |end| &rest[..end]);
        let trimmed = rest.trim_start();
        let ends =
            |character: char| matches!(character, '.' | '{' | '}') || character.is_whitespace();
        Self {
            word: trimmed.find(ends).map_or(trimmed, |end| &trimmed[..end]),
            word_offset: offset + rest.len() - trimmed.len(),
            content: rest.find("}}").map(|end| &rest[..end]),
        }
    }
}

/// Converts ascending offsets to columns.
struct Columns<'t> {
    text: &'t str,
    offset: usize,
    column: usize,
}

impl Columns<'_> {
    fn at(&mut self, offset: usize) -> usize {
        self.column += self.text[self.offset..offset].chars().count();
        self.offset = offset;
        self.column
    }
}
