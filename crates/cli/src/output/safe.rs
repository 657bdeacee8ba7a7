//! Keeps control characters of files and servers away from the terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::terminal::{Colour, RESET, Terminal};

/// Replaces the control characters of a text by visible escapes, except line breaks and tabs.
///
/// The C1 characters and DEL are replaced only on a terminal: JSON and YAML may contain them unescaped, and
/// other programs must read what was written. The colours of this program stay where it uses colours.
pub(crate) fn displayable(text: &str, terminal: Terminal) -> Cow<'_, str> {
    let is_unsafe = |one: char| match one {
        '\n' | '\t' | '\r' => false,
        '\0'..='\x1f' => true,
        _ => terminal.is_terminal && one.is_control(),
    };
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        if one == '\x1b'
            && terminal.colours
            && let Some(colour) = Colour::ALL
                .into_iter()
                .map(Colour::sequence)
                .chain([RESET])
                .find(|colour| rest.starts_with(colour))
        {
            safe.push_str(colour);
            rest = &rest[colour.len()..];
            continue;
        }
        if is_unsafe(one) {
            safe.extend(one.escape_default());
        } else {
            safe.push(one);
        }
        rest = &rest[one.len_utf8()..];
    }
    Cow::Owned(safe)
}

/// Prints text on standard error.
pub(crate) fn write_error(text: &str) -> io::Result<()> {
    let terminal = Terminal {
        colours: false,
        is_terminal: io::stderr().is_terminal(),
    };
    let text = displayable(text, terminal);
    io::stderr().lock().write_all(text.as_bytes())
}

/// Removes control characters from untrusted text.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}

/// Replaces the control characters of untrusted text by visible escapes, also those of colors.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let terminal = Terminal {
        colours: false,
        is_terminal: true,
    };
    displayable(text, terminal)
}

#[cfg(test)]
mod tests {
    use super::{displayable, escaped};
    use crate::output::{Colour, Terminal};

    #[test]
    fn control_characters_become_visible() {
        let pipe = Terminal::plain();
        let screen = Terminal {
            colours: true,
            is_terminal: true,
        };
        let text = "a\x1b]0;title\x07b\tc\r\n";
        for terminal in [pipe, screen] {
            let safe = displayable(text, terminal);
            assert_eq!(safe, "a\\u{1b}]0;title\\u{7}b\tc\r\n");
        }
        assert_eq!(displayable("\u{9b}31m\u{7f}", screen), "\\u{9b}31m\\u{7f}");
        assert_eq!(displayable("\u{9b}\u{7f}", pipe), "\u{9b}\u{7f}");
        assert_eq!(escaped("\x1b[31m\u{9b}\n\t"), "\\u{1b}[31m\\u{9b}\n\t");
        let painted = screen.paint(Colour::Red, "x");
        assert_eq!(displayable(&painted, screen), painted);
        assert_eq!(displayable(&painted, pipe), "\\u{1b}[31mx\\u{1b}[0m");
        assert!(matches!(
            displayable("ä", screen),
            std::borrow::Cow::Borrowed(_)
        ));
    }
}
