//! What is wrong, where, and the way out, as data.
//!
//! A hint is never part of a message. A type that means "something is wrong" either is a [`Diagnostic`] or a
//! [`Failure`], converts into one, or implements [`Explain`]. Only the last step before a person or an object reads
//! the text joins both, with [`Explain::explained`] or on separate lines.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A position in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object is invalid.
    Error,
    /// The object works, but should be changed.
    Warning,
}

/// A problem at a field. It contains no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Severity.
    pub severity: Severity,
    /// Rule that was violated: `unknown-field`.
    pub rule: Cow<'static, str>,
    /// The field: `services[0].name`; may be empty.
    pub field: String,
    /// Position in the document, if it was read from one.
    pub position: Option<Position>,
    /// Description of the problem.
    pub message: String,
    /// Suggested fixes, each an imperative.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// Creates an error. An empty hint is left out.
    pub fn error(
        rule: impl Into<Cow<'static, str>>,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let mut hints = Vec::new();
        add_hint(&mut hints, hint.into());
        Self {
            severity: Severity::Error,
            rule: rule.into(),
            field: field.into(),
            position: None,
            message: message.into(),
            hints,
        }
    }

    /// Creates a warning. An empty hint is left out.
    pub fn warning(
        rule: impl Into<Cow<'static, str>>,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(rule, field, message, hint)
        }
    }

    /// Returns whether the object is invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// An error that names the way out. Its `Display` writes only the message.
pub trait Explain: fmt::Display {
    /// Returns the suggested fixes, each an imperative, without those of its source.
    fn hints(&self) -> Vec<String>;

    /// Formats the message and the hints in one line, for conditions, events and logs.
    fn explained(&self) -> String {
        explained(&self.to_string(), &self.hints())
    }
}

impl<T: Explain> Explain for Box<T> {
    fn hints(&self) -> Vec<String> {
        (**self).hints()
    }

    fn explained(&self) -> String {
        (**self).explained()
    }
}

/// Adds a hint, unless it is empty or already in the list.
fn add_hint(hints: &mut Vec<String>, hint: String) {
    if !hint.is_empty() && !hints.contains(&hint) {
        hints.push(hint);
    }
}

/// What separates hints in one line.
const HINT: &str = "; hint: ";

/// Formats a message and its hints in one line, each hint once.
#[must_use]
pub fn explained(message: &str, hints: &[impl AsRef<str>]) -> String {
    let mut line = message.to_owned();
    for (at, hint) in hints.iter().map(AsRef::as_ref).enumerate() {
        let is_new = hints.iter().take(at).all(|other| other.as_ref() != hint);
        if !hint.is_empty() && is_new {
            line.push_str(HINT);
            line.push_str(hint);
        }
    }
    line
}

/// A message that is no error, such as a warning, with its hints. Its `Display` writes only the message.
///
/// ```
/// use extension_registry_core::diagnostic::{Explain, Note};
///
/// let note = Note::new("no license").hint("set `license`").under("mlflow");
/// assert_eq!(note.to_string(), "mlflow: no license");
/// assert_eq!(note.explained(), "mlflow: no license; hint: set `license`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// The message.
    pub message: String,
    /// Suggested actions, each an imperative.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Note {
    /// Creates a note without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Creates a note with the message and the hints of a problem.
    pub fn of(problem: &impl Explain) -> Self {
        let note = Self::new(problem.to_string());
        problem.hints().into_iter().fold(note, Self::hint)
    }

    /// Reads a line that [`explained`] wrote, in the program that receives it: the API server transports refusals
    /// and conditions as one text. A hint inside parentheses belongs to a quoted message.
    ///
    /// ```
    /// use extension_registry_core::diagnostic::Note;
    ///
    /// let note = Note::received("not ready (NotFound: none; hint: register one); hint: check it");
    /// assert_eq!(note.message, "not ready (NotFound: none; hint: register one)");
    /// assert_eq!(note.hints, ["check it"]);
    /// ```
    #[must_use]
    pub fn received(line: &str) -> Self {
        let mut message = line;
        let mut hints = Vec::new();
        while let Some((before, hint)) = message.rsplit_once(HINT) {
            if hint.matches(')').count() > hint.matches('(').count() {
                break;
            }
            hints.insert(0, hint.to_owned());
            message = before;
        }
        Self {
            message: message.to_owned(),
            hints,
        }
    }

    /// Adds a hint; an empty one, and one that it has, is ignored.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        add_hint(&mut self.hints, hint.into());
        self
    }

    /// Prefixes the message with what it is about, and a colon.
    #[must_use]
    pub fn under(mut self, subject: impl fmt::Display) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Explain for Note {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

/// A note of an answer: one text in JSON, separate lines for people.
///
/// ```
/// use extension_registry_core::diagnostic::{Explanation, Note};
///
/// let explanation = Explanation(Note::new("no license").hint("set `license`"));
/// let json = serde_json::to_string(&explanation).unwrap();
/// assert_eq!(json, r#""no license; hint: set `license`""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation(pub Note);

impl Explanation {
    /// Creates an explanation with the message and the hints of a problem.
    pub fn of(problem: &impl Explain) -> Self {
        Self(Note::of(problem))
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.explained())
    }
}

/// An error that no other type describes: a message, its hints and its cause.
///
/// ```
/// use extension_registry_core::diagnostic::{Explain, Failure};
///
/// let failure = Failure::new("no files given").hint("pass a folder");
/// assert_eq!(failure.to_string(), "no files given");
/// assert_eq!(failure.explained(), "no files given; hint: pass a folder");
/// ```
#[derive(Debug)]
pub struct Failure {
    message: String,
    hints: Vec<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Creates an error without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
            source: None,
        }
    }

    /// Adds a hint; an empty one, and one that it has, is ignored.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        add_hint(&mut self.hints, hint.into());
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<Note> for Failure {
    fn from(note: Note) -> Self {
        Self {
            message: note.message,
            hints: note.hints,
            source: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Explain for Failure {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}
