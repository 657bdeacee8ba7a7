//! Parser of the reference inside the braces of an expression.

use super::segment::{ExpressionError, Segment};
use crate::suggest::{closest, excerpt};

/// Maximum length of a key of a Secret, and of names without a limit of their own.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

const EXTENSION_SYNTAX: &str = "write `{{ extension.NAME.KEY }}`";
const INPUT_SYNTAX: &str = "write `{{ inputs.NAME }}`";
const OUTPUT_SYNTAX: &str = "write `{{ steps.STEP.outputs.NAME }}`";

/// Message and hint of an error.
type SyntaxError = (String, Option<String>);

/// Parses the text between the braces, which begins with a keyword.
pub(super) fn parse(content: &str, column: usize) -> Result<Segment<'_>, ExpressionError> {
    let reference = content.trim();
    let segment = if reference.contains(char::is_whitespace) {
        let hint = "write a single reference without whitespace";
        let message = format!(
            "invalid expression `{}`: expected one reference",
            excerpt(reference)
        );
        Err((message, Some(hint.to_owned())))
    } else {
        let (keyword, rest) = reference.split_once('.').unwrap_or((reference, ""));
        match keyword {
            "inputs" => input(rest, column),
            "steps" => output(rest, column),
            _ => extension(rest, column),
        }
    };
    segment.map_err(|(message, hint)| ExpressionError {
        column,
        message,
        hint,
    })
}

/// Error for an expression without closing braces.
pub(super) fn unclosed(column: usize) -> ExpressionError {
    ExpressionError {
        column,
        message: "unclosed expression".to_owned(),
        hint: Some("add `}}` after the reference".to_owned()),
    }
}

fn extension(rest: &str, column: usize) -> Result<Segment<'_>, SyntaxError> {
    let (requirement, key) = rest.split_once('.').unwrap_or((rest, ""));
    check_label(requirement)?;
    let configuration = key.strip_prefix("cfg.");
    let key = configuration.unwrap_or(key);
    check_key(key)?;
    Ok(Segment::Extension {
        requirement,
        key,
        configuration_only: configuration.is_some(),
        column,
    })
}

fn input(rest: &str, column: usize) -> Result<Segment<'_>, SyntaxError> {
    if let Some((name, _)) = rest.split_once('.')
        && !name.is_empty()
    {
        let message = format!(
            "invalid reference `inputs.{}`: too many segments",
            excerpt(rest)
        );
        return Err((message, Some(INPUT_SYNTAX.to_owned())));
    }
    check_name(rest, "input name", INPUT_SYNTAX)?;
    Ok(Segment::Input { name: rest, column })
}

fn output(rest: &str, column: usize) -> Result<Segment<'_>, SyntaxError> {
    let mut parts = rest.splitn(3, '.');
    let step = parts.next().unwrap_or_default();
    check_name(step, "step name", OUTPUT_SYNTAX)?;
    let outputs = parts.next().unwrap_or_default();
    if outputs != "outputs" {
        let message = match outputs {
            "" => "missing `outputs` after the step name".to_owned(),
            _ => format!(
                "expected `outputs` after the step name, found `{}`",
                excerpt(outputs)
            ),
        };
        let hint = match closest(outputs, ["outputs"]) {
            Some(_) => "did you mean `outputs`?",
            None => OUTPUT_SYNTAX,
        };
        return Err((message, Some(hint.to_owned())));
    }
    let output = parts.next().unwrap_or_default();
    if let Some((name, _)) = output.split_once('.')
        && !name.is_empty()
    {
        let message = format!(
            "invalid reference `steps.{}`: too many segments",
            excerpt(rest)
        );
        return Err((message, Some(OUTPUT_SYNTAX.to_owned())));
    }
    check_name(output, "output name", OUTPUT_SYNTAX)?;
    Ok(Segment::Output {
        step,
        output,
        column,
    })
}

/// Requirement names are DNS labels (RFC 1123).
fn check_label(name: &str) -> Result<(), SyntaxError> {
    let allowed = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    check_characters(
        name,
        "requirement name",
        EXTENSION_SYNTAX,
        MAX_LABEL,
        allowed,
    )?;
    if name.starts_with('-') || name.ends_with('-') {
        let message = format!(
            "invalid requirement name `{}`: must not begin or end with `-`",
            excerpt(name)
        );
        return Err((
            message,
            Some("use a DNS label as the requirement name".to_owned()),
        ));
    }
    Ok(())
}

/// Any key of a Secret, except the document `extension.yaml`.
fn check_key(key: &str) -> Result<(), SyntaxError> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    check_characters(key, "key", EXTENSION_SYNTAX, MAX_NAME, allowed)?;
    if key == "." || key.starts_with("..") {
        let message = format!("invalid key `{}`", excerpt(key));
        return Err((message, Some(EXTENSION_SYNTAX.to_owned())));
    }
    if key == "extension.yaml" {
        let hint =
            "reference a single key, or read `extension.yaml` in the binding directory".to_owned();
        return Err((
            "`extension.yaml` cannot be used in expressions".to_owned(),
            Some(hint),
        ));
    }
    Ok(())
}

fn check_name(name: &str, what: &str, syntax: &str) -> Result<(), SyntaxError> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    check_characters(name, what, syntax, MAX_NAME, allowed)
}

fn check_characters(
    name: &str,
    what: &str,
    syntax: &str,
    max: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), SyntaxError> {
    if name.is_empty() || name.starts_with('.') && !allowed('.') {
        return Err((format!("missing {what}"), Some(syntax.to_owned())));
    }
    if name.len() > max {
        let message = format!("{what} exceeds {max} characters");
        return Err((message, None));
    }
    if let Some(character) = name.chars().find(|character| !allowed(*character)) {
        let character = character.escape_debug();
        return Err((
            format!("invalid character `{character}` in {what}"),
            Some(syntax.to_owned()),
        ));
    }
    Ok(())
}
