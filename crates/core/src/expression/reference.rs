//! What stands inside braces that are ours.

use super::{ExpressionError, Segment};
use crate::suggest::{closest, excerpt};

/// The longest key of a Secret, and of any other name for want of a better limit.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

const EXTENSION_FORM: &str = "write `{{ extension.NAME.KEY }}`";
const INPUT_FORM: &str = "write `{{ inputs.NAME }}`";
const OUTPUT_FORM: &str = "write `{{ steps.STEP.outputs.NAME }}`";

/// What is wrong, and what to write instead.
type Mistake = (String, Option<String>);

/// Reads what stands between the braces; its first word has to be one of ours.
pub(super) fn parse(content: &str, column: usize) -> Result<Segment<'_>, ExpressionError> {
    let reference = content.trim();
    let segment = if reference.contains(char::is_whitespace) {
        let hint = "write one reference without white space in it, and nothing else";
        let message = format!("`{}` is more than a reference", excerpt(reference));
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

/// For braces that are ours and have no end.
pub(super) fn unclosed(column: usize) -> ExpressionError {
    ExpressionError {
        column,
        message: "the braces are not closed".to_owned(),
        hint: Some("write `}}` after the reference".to_owned()),
    }
}

fn extension(rest: &str, column: usize) -> Result<Segment<'_>, Mistake> {
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

fn input(rest: &str, column: usize) -> Result<Segment<'_>, Mistake> {
    if let Some((name, _)) = rest.split_once('.')
        && !name.is_empty()
    {
        let message = format!("`inputs.{}` has too many parts", excerpt(rest));
        return Err((message, Some(INPUT_FORM.to_owned())));
    }
    check_name(rest, "name of the input", INPUT_FORM)?;
    Ok(Segment::Input { name: rest, column })
}

fn output(rest: &str, column: usize) -> Result<Segment<'_>, Mistake> {
    let mut parts = rest.splitn(3, '.');
    let step = parts.next().unwrap_or_default();
    check_name(step, "name of the step", OUTPUT_FORM)?;
    let outputs = parts.next().unwrap_or_default();
    if outputs != "outputs" {
        let message = match outputs {
            "" => "`outputs` is missing after the step".to_owned(),
            _ => format!(
                "`outputs` has to follow the step, not `{}`",
                excerpt(outputs)
            ),
        };
        let hint = match closest(outputs, ["outputs"]) {
            Some(_) => "did you mean `outputs`?",
            None => OUTPUT_FORM,
        };
        return Err((message, Some(hint.to_owned())));
    }
    let output = parts.next().unwrap_or_default();
    if let Some((name, _)) = output.split_once('.')
        && !name.is_empty()
    {
        let message = format!("`steps.{}` has too many parts", excerpt(rest));
        return Err((message, Some(OUTPUT_FORM.to_owned())));
    }
    check_name(output, "name of the output", OUTPUT_FORM)?;
    Ok(Segment::Output {
        step,
        output,
        column,
    })
}

/// Requirements are named by DNS labels (RFC 1123).
fn check_label(name: &str) -> Result<(), Mistake> {
    let allowed = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    check_characters(
        name,
        "name of the requirement",
        EXTENSION_FORM,
        LONGEST_LABEL,
        allowed,
    )?;
    if name.starts_with('-') || name.ends_with('-') {
        let message = format!("`{}` begins or ends with `-`", excerpt(name));
        return Err((
            message,
            Some("requirements are named by DNS labels".to_owned()),
        ));
    }
    Ok(())
}

/// Any key that a Secret can have, but for the one that is for tools to read.
fn check_key(key: &str) -> Result<(), Mistake> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    check_characters(key, "key", EXTENSION_FORM, LONGEST_NAME, allowed)?;
    if key == "." || key.starts_with("..") {
        let message = format!("no key is named `{}`", excerpt(key));
        return Err((message, Some(EXTENSION_FORM.to_owned())));
    }
    if key == "extension.yaml" {
        let hint = "name a single key; the document is a file beside the others".to_owned();
        return Err((
            "`extension.yaml` is no key of an expression".to_owned(),
            Some(hint),
        ));
    }
    Ok(())
}

fn check_name(name: &str, what: &str, form: &str) -> Result<(), Mistake> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    check_characters(name, what, form, LONGEST_NAME, allowed)
}

fn check_characters(
    name: &str,
    what: &str,
    form: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), Mistake> {
    if name.is_empty() || name.starts_with('.') && !allowed('.') {
        return Err((format!("the {what} is missing"), Some(form.to_owned())));
    }
    if name.len() > longest {
        let message = format!("the {what} is longer than {longest} characters");
        return Err((message, None));
    }
    if let Some(character) = name.chars().find(|character| !allowed(*character)) {
        let character = character.escape_debug();
        return Err((
            format!("`{character}` cannot stand in the {what}"),
            Some(form.to_owned()),
        ));
    }
    Ok(())
}
