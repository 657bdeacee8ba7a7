//! Regular expressions of the API server. They have the syntax of RE2, in which `\w`, `\d` and `\s` match
//! only ASCII characters.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use regex::Regex;

/// Compiled patterns of schemas and rules; all of them come from the definitions.
static COMPILED: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> =
    LazyLock::new(RwLock::default);

/// Returns the compiled pattern, or none if it is invalid or uses unsupported syntax.
pub(crate) fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    let known = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known.get(pattern) {
        return regex.clone();
    }
    drop(known);
    let regex = translate(pattern).and_then(|pattern| Regex::new(&pattern).ok());
    let regex = regex.map(Arc::new);
    let mut known = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(pattern.to_owned(), regex.clone());
    regex
}

/// Translates a pattern to the syntax of the crate `regex`. Returns none for classes whose ASCII form cannot be
/// written inside brackets.
fn translate(pattern: &str) -> Option<String> {
    let mut translated = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    let mut is_in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next()?;
                let class = match escaped {
                    'w' => "0-9A-Za-z_",
                    'd' => "0-9",
                    's' => r"\t\n\f\r ",
                    'W' | 'D' | 'S' | 'b' | 'B' | 'p' | 'P' | 'Q' | 'C' => return None,
                    _ => {
                        translated.extend(['\\', escaped]);
                        continue;
                    }
                };
                if is_in_class {
                    translated.push_str(class);
                } else {
                    translated.extend(["[", class, "]"]);
                }
                continue;
            }
            '[' if is_in_class => {
                // Nested classes and operators exist only in the crate `regex`.
                translated.push_str(r"\[");
                continue;
            }
            '&' | '~' if is_in_class => {
                translated.extend(['\\', character]);
                continue;
            }
            '[' => is_in_class = true,
            ']' => is_in_class = false,
            _ => {}
        }
        translated.push(character);
    }
    Some(translated)
}

#[cfg(test)]
mod tests {
    use super::compiled;

    fn matches(pattern: &str, text: &str) -> Option<bool> {
        compiled(pattern).map(|regex| regex.is_match(text))
    }

    #[test]
    fn classes_match_ascii_only() {
        assert_eq!(matches(r"^\w+$", "a_1"), Some(true));
        assert_eq!(matches(r"^\w+$", "ä"), Some(false));
        assert_eq!(matches(r"^[-\w]+$", "a-1"), Some(true));
        assert_eq!(matches(r"^[-\w]+$", "é"), Some(false));
        assert_eq!(matches(r"^\d$", "٣"), Some(false));
    }

    #[test]
    fn brackets_have_no_operators() {
        assert_eq!(matches("^[!-$&-~]+$", "a[b]~&"), Some(true));
        assert_eq!(matches("^[!-$&-~]+$", "%"), Some(false));
        assert_eq!(matches("^[[a]$", "["), Some(true));
    }

    #[test]
    fn end_is_the_end_of_the_text() {
        assert_eq!(matches("^a$", "a\n"), Some(false));
    }

    #[test]
    fn unsupported_syntax_has_no_translation() {
        for pattern in [r"\W", r"\pL", "(", r"a\b"] {
            assert_eq!(matches(pattern, "a"), None, "{pattern}");
        }
    }
}
