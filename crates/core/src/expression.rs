//! Expressions in step inputs, environment and arguments (design section 4, "Expressions").
//!
//! ```text
//! {{ extension.NAME.KEY }}       a value of what the requirement NAME resolved to
//! {{ extension.NAME.cfg.KEY }}   the same, but only a configuration entry
//! {{ inputs.NAME }}              an input of the workflow
//! {{ steps.STEP.outputs.NAME }}  an output of an earlier step
//! ```
//!
//! `extensions` is another way to write `extension`. White space inside the braces is free. NAME
//! has no dots, KEY is all that follows, so `{{ extension.registry..dockerconfigjson }}` has the
//! key `.dockerconfigjson`, `{{ extension.store.cfg }}` the key `cfg`, and a key that itself
//! begins with `cfg.` needs the long form.
//!
//! Braces are ours if their first word is `extension`, `extensions`, `inputs` or `steps`; the
//! word ends at a dot, at white space and at a brace. Ours have to be correct. Braces whose first
//! word is nearly one of these are refused too; only a word of letters, digits, `-` and `_` can be
//! near, so `{{ $steps }}` and `{{#inputs}}` of other template languages are not. All other braces
//! are the user's own text, byte for byte, and so is `$(params.a)`.
//!
//! Where the contract is silent:
//! - Each `{{` is judged by itself, so own braces do not shield ours inside them:
//!   `{{ print "{{ inputs.a }}" }}` holds one expression, `{{ "{{" }}` none.
//! - Of more than two braces in a row the last two open and the first two close:
//!   `{{{ inputs.a }}}` is `{`, an expression, `}`.
//! - Ours without `}}` before the next `{{` are an error. Nearly ours without it are own text.

mod near;
mod reference;

use std::fmt;

/// A part of a text with expressions. Columns are those of the first word inside the braces, in
/// characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segment<'t> {
    /// The user's own text.
    Text(&'t str),
    /// `extension.NAME.KEY`
    Extension {
        /// The name of a requirement of the step: a DNS label.
        requirement: &'t str,
        /// The key as written; see [`canonical_key`].
        key: &'t str,
        /// Written `.cfg.KEY`: derived keys and other names of keys do not count.
        configuration_only: bool,
        /// Where the expression stands.
        column: usize,
    },
    /// `inputs.NAME`
    Input {
        /// The name of an input of the workflow.
        name: &'t str,
        /// Where the expression stands.
        column: usize,
    },
    /// `steps.STEP.outputs.NAME`
    Output {
        /// The name of a step.
        step: &'t str,
        /// The name of an output of that step.
        output: &'t str,
        /// Where the expression stands.
        column: usize,
    },
}

/// The key that `key` is another name of, or `key` itself: `url`, `product`, `service_resource`
/// and `service_category` mean `uri`, `provider`, `type` and `category`.
///
/// Not for keys after `.cfg.`, which are names of configuration entries only.
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

/// A text, cut into its expressions and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'t> {
    /// At least one; texts are never neighbours, and empty only if the whole text is.
    pub segments: Vec<Segment<'t>>,
    sources: Vec<&'t str>,
}

impl<'t> Template<'t> {
    /// Cuts `text`, in time linear to its length.
    ///
    /// # Errors
    ///
    /// Every mistake in it, in the order of the text.
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
        let mut own_from = 0;
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
                (near::Keyword::Ours, Some(content)) => {
                    reference::parse(content, word_column).map(|segment| (segment, content))
                }
                (near::Keyword::Ours, None) => Err(reference::unclosed(word_column)),
                (near::Keyword::Near(meant), Some(_)) => {
                    Err(near::refusal(braces.word, meant, word_column))
                }
                _ => continue,
            };
            match result {
                Ok((segment, content)) => {
                    template.push_text(&text[own_from..open]);
                    let end = from + content.len() + 2;
                    template.segments.push(segment);
                    template.sources.push(&text[open..end]);
                    own_from = end;
                    from = end;
                }
                Err(error) => errors.push(error),
            }
        }
        template.push_text(&text[own_from..]);
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

    /// The only segment, when the whole text is one expression. Anything outside its braces, even
    /// a space, makes it a text with an expression inside.
    #[must_use]
    pub fn whole(&self) -> Option<&Segment<'t>> {
        match self.segments.as_slice() {
            [Segment::Text(_)] => None,
            [segment] => Some(segment),
            _ => None,
        }
    }

    /// Whether there is anything but the user's own text.
    #[must_use]
    pub fn has_expressions(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| !matches!(segment, Segment::Text(_)))
    }

    /// The text of each segment as written, with its braces. One after the other they are the
    /// whole text again.
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
    /// Writes the text as it was read.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sources
            .iter()
            .try_for_each(|source| formatter.write_str(source))
    }
}

/// Why a text with expressions is refused. Its length is bounded, whatever the text was.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("column {column}: {message}{}", suffix(hint.as_deref()))]
pub struct ExpressionError {
    /// Where the first word inside the braces stands, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that can be told.
    pub hint: Option<String>,
}

fn suffix(hint: Option<&str>) -> String {
    hint.map(|hint| format!("; hint: {hint}"))
        .unwrap_or_default()
}

/// Where the last two of the next run of opening braces stand.
fn next_opening(text: &str, from: usize) -> Option<usize> {
    let start = from + text[from..].find("{{")?;
    let run = text[start..]
        .bytes()
        .take_while(|byte| *byte == b'{')
        .count();
    Some(start + run - 2)
}

/// What follows an opening `{{`.
struct Braces<'t> {
    word: &'t str,
    word_offset: usize,
    /// What stands before `}}`; None without one before the next `{{`.
    content: Option<&'t str>,
}

impl<'t> Braces<'t> {
    /// `offset` is behind the braces.
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

/// Turns offsets into columns; they have to come in order.
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
