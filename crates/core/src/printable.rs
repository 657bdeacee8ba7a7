//! Escapes characters that a terminal does not show as they are: control characters, and the invisible characters
//! that change the direction of text or hide in it.
//!
//! Text of files and servers may contain escape sequences that clear the screen or rename the window, bidirectional
//! controls that reorder what is read (CVE-2021-42574), and line breaks that forge a line of output. Everything that
//! is printed passes through this module.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Invisible characters of general category Cf (format), Zl and Zp (Unicode 16), without the joiners.
const INVISIBLE: [(char, char); 14] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200b}'),
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e00ff}'),
];

/// Treatment of line breaks and tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Escaped: the text must stay in its line.
    OneLine,
    /// Kept. A carriage return is kept only before a line feed.
    Lines,
}

/// Returns whether a character is escaped. Joiners are part of the spelling of some scripts and of emoji, so they are
/// kept after a character that is not ASCII.
#[must_use]
pub fn is_hidden(previous: Option<char>, character: char) -> bool {
    match character {
        '\u{200c}' | '\u{200d}' => previous.is_none_or(|previous| previous.is_ascii()),
        _ if character.is_control() => true,
        _ if character < INVISIBLE[0].0 => false,
        _ => INVISIBLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character)),
    }
}

/// Escapes hidden characters as in Rust: `\u{202e}`, `\n`.
#[must_use]
pub fn printable(text: &str, layout: Layout) -> Cow<'_, str> {
    escaped(text, layout, |character, out| {
        out.extend(character.escape_default());
    })
}

/// Escapes the hidden characters of a JSON document as in JSON: `\u202e`. A reader gets the same values.
#[must_use]
pub fn printable_json(document: &str) -> Cow<'_, str> {
    escaped(document, Layout::Lines, |character, out| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Replaces hidden characters.
pub fn escaped(
    text: &str,
    layout: Layout,
    mut escape: impl FnMut(char, &mut String),
) -> Cow<'_, str> {
    let mut safe: Option<String> = None;
    let mut previous = None;
    for (at, character) in text.char_indices() {
        let is_layout = layout == Layout::Lines
            && match character {
                '\n' | '\t' => true,
                '\r' => text[at + 1..].starts_with('\n'),
                _ => false,
            };
        if !is_layout && is_hidden(previous, character) {
            let safe = safe.get_or_insert_with(|| text[..at].to_owned());
            escape(character, safe);
        } else if let Some(safe) = &mut safe {
            safe.push(character);
        }
        previous = Some(character);
    }
    safe.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Layout, is_hidden, printable, printable_json};

    #[test]
    fn hidden_characters_become_visible() {
        for (text, one_line) in [
            ("plain Größe 日本語 🚀", "plain Größe 日本語 🚀"),
            ("a\x1b]0;title\x07b", "a\\u{1b}]0;title\\u{7}b"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("a\tb\r\nc\rd", "a\\tb\\r\\nc\\rd"),
            (
                "\u{202e}abc\u{2066}\u{61c}",
                "\\u{202e}abc\\u{2066}\\u{61c}",
            ),
            (
                "zero\u{200b}\u{feff}\u{2060}",
                "zero\\u{200b}\\u{feff}\\u{2060}",
            ),
            ("line\u{2028}break\u{85}", "line\\u{2028}break\\u{85}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("ad\u{200d}min\u{200c}", "ad\\u{200d}min\\u{200c}"),
            (
                "👩\u{200d}💻 می\u{200c}خواهم",
                "👩\u{200d}💻 می\u{200c}خواهم",
            ),
        ] {
            assert_eq!(printable(text, Layout::OneLine), one_line);
        }
        let text = "a\tb\r\nc\rd\n\u{1b}";
        assert_eq!(printable(text, Layout::Lines), "a\tb\r\nc\\rd\n\\u{1b}");
        assert!(matches!(printable("ä\n", Layout::Lines), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values() {
        let value = "\u{1b}[2J \u{202e}x\u{9b}\u{7f}\u{e0041} \"quoted\" \\u202e\n";
        let document = serde_json::to_string_pretty(&[value]).unwrap();
        let printed = printable_json(&document);
        assert!(printed.is_ascii(), "{printed}");
        let read: Vec<String> = serde_json::from_str(&printed).unwrap();
        assert_eq!(read, [value]);
    }

    #[test]
    fn ascii_is_hidden_only_if_control() {
        for character in '\0'..='\x7f' {
            let is_control = character < ' ' || character == '\x7f';
            assert_eq!(is_hidden(None, character), is_control, "{character:?}");
        }
    }
}
