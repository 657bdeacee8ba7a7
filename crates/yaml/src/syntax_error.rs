//! Errors of libyaml, with a way out.

use libyaml_safer::{Error, ErrorKind, Mark};

use crate::dialect::Source;
use crate::error::ParseError;

impl Source {
    /// Describes an error. `bracket` is the place after the innermost open bracket.
    pub(crate) fn error(&self, error: &Error, bracket: Option<&Mark>) -> ParseError {
        let mark = error.problem_mark().unwrap_or_default();
        let rest = self.from(mark);
        let is_end = rest.is_empty()
            || mark.column == 0 && ["---", "...", "%"].iter().any(|end| rest.starts_with(end));
        if let Some(after) = bracket
            && error.kind() == ErrorKind::Parser
            && is_end
        {
            let mut at = self.position(*after);
            at.column -= 1;
            let bracket = self.before(*after).unwrap_or('[');
            return ParseError::yaml(at, &format!("unclosed bracket '{bracket}'"));
        }
        let context = error.context().unwrap_or_default();
        let is_tab = rest.starts_with('\t');
        let is_start = matches!(
            error.problem(),
            "could not find expected ':'"
                | "found unexpected document indicator"
                | "found unexpected end of stream"
        );
        let mark = error.context_mark().filter(|_| is_start).unwrap_or(mark);
        let (problem, hint) = describe(context, error.problem(), is_tab);
        ParseError::yaml(self.position(mark), problem).hint(hint)
    }

    /// Returns an error for a version that is not supported. go-yaml rejects numbers of more than two digits when it
    /// scans them, also in a directive after the document.
    pub(crate) fn check_version(&self, at: Mark, is_unsupported: bool) -> Result<(), ParseError> {
        let number = self.from(at).strip_prefix("%YAML").unwrap_or_default();
        let number = number.trim_start_matches([' ', '\t']);
        let end = number.find(|next: char| !next.is_ascii_digit() && next != '.');
        let number = &number[..end.unwrap_or(number.len())];
        if !is_unsupported && number.split('.').all(|part| part.len() <= 2) {
            return Ok(());
        }
        let (problem, hint) = describe("", "found incompatible YAML document", false);
        Err(ParseError::yaml(self.position(at), problem).hint(hint))
    }
}

/// Returns the description of a problem, and its hint.
fn describe(context: &str, problem: &'static str, is_tab: bool) -> (&'static str, &'static str) {
    let text = match (context, problem) {
        (
            "while scanning a directive",
            "found unknown directive name"
            | "found unexpected non-alphabetical character"
            | "could not find expected directive name",
        ) => "unknown directive",
        ("while scanning a block scalar", "did not find expected comment or line break") => {
            "did not find expected comment or line break after a block scalar indicator"
        }
        ("while scanning a tag", "did not find expected whitespace or line break") => {
            "did not find expected whitespace or line break after a tag"
        }
        (_, "found incompatible YAML document" | "found duplicate %YAML directive") => {
            "only one directive `%YAML 1.1` is supported"
        }
        (_, "did not find expected <document start>") => {
            "`kubectl` reads no document after directives"
        }
        (_, "did not find expected alphabetic or numeric character") => {
            "the name of an anchor or alias must consist of letters, digits, `_` and `-`"
        }
        (_, "found character that cannot start any token") if is_tab => {
            "found a tab that cannot start any token"
        }
        (_, problem) if problem.starts_with("did not find expected hex") => {
            "did not find expected hexadecimal digits of an escape sequence"
        }
        (_, "could not find expected ':'") => "could not find expected ':' after a key",
        (_, "found unexpected document indicator") => "found document indicator in a quoted scalar",
        (_, "found unexpected end of stream") => "found end of document in a quoted scalar",
        _ => problem,
    };
    let hint = match (context, problem) {
        (_, "found character that cannot start any token") if is_tab => "indent with spaces",
        (_, "found character that cannot start any token") => "quote the text",
        (
            _,
            "found a tab character where an indentation space is expected"
            | "found a tab character that violates indentation",
        ) => "indent with spaces",
        ("while scanning a directive", _) => "quote text that begins with `%`",
        (_, "did not find expected <document start>") => "remove the lines that begin with `%`",
        (_, "found incompatible YAML document" | "found duplicate %YAML directive") => {
            "remove the line"
        }
        ("while scanning a block scalar", "did not find expected comment or line break") => {
            "write the text on the next line, or quote it"
        }
        (_, "did not find expected alphabetic or numeric character") => {
            "quote text that begins with `*` or `&`"
        }
        ("while scanning a tag" | "while parsing a tag", _) | (_, "found undefined tag handle") => {
            "quote text that begins with `!`"
        }
        (_, "found unexpected document indicator" | "found unexpected end of stream") => {
            "close the quotes that begin here"
        }
        (_, "found unknown escape character") => {
            "write `\\\\` for a backslash, or use single quotes"
        }
        (_, "found invalid Unicode character escape code") => {
            "write the character itself, or its code point after `\\U`"
        }
        (_, "found unexpected ':'") => "add a space after `:`, or quote the text",
        (_, "could not find expected ':'") => {
            "add `:`, or indent the line if it continues the line before"
        }
        (_, "block sequence entries are not allowed in this context") => {
            "begin the list on the next line"
        }
        (_, "mapping keys are not allowed in this context") => "begin the mapping on the next line",
        (_, "mapping values are not allowed in this context") => {
            "quote text that contains `: `, and check the indentation"
        }
        (_, "did not find expected '-' indicator" | "did not find expected key") => {
            "check the indentation"
        }
        (_, "did not find expected ',' or ']'" | "did not find expected ',' or '}'") => {
            "add a comma, or close the bracket"
        }
        _ => "",
    };
    (text, hint)
}
