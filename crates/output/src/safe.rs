//! The only way of text to standard output and standard error. Text of files and servers may contain escape
//! sequences, bidirectional controls and line breaks; they are escaped here.

use std::fmt::Arguments;
use std::io::{self, Write};

use extension_registry_core::printable::{Layout, printable};

use super::terminal::coloured;

/// Returns a text as it may be printed: escaped, and with the colors of this program.
#[must_use]
pub fn displayable(text: &str) -> String {
    coloured(&printable(text, Layout::Lines))
}

/// Prints text on standard error.
///
/// # Errors
/// If the stream cannot be written.
pub fn write_error(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(displayable(text).as_bytes())
}

/// Writes one line. Line breaks inside are escaped, so that no value can forge a line.
///
/// # Errors
/// If the stream cannot be written.
pub fn line(out: &mut Vec<u8>, text: Arguments<'_>) -> io::Result<()> {
    writeln!(out, "{}", printable(&text.to_string(), Layout::OneLine))
}

/// Writes one line into a buffer, with the arguments of `writeln!`.
#[macro_export]
macro_rules! write_line {
    ($out:expr $(,)?) => {
        $crate::line($out, format_args!(""))
    };
    ($out:expr, $($text:tt)+) => {
        $crate::line($out, format_args!($($text)+))
    };
}

#[cfg(test)]
mod tests {
    use super::displayable;
    use crate::{Colour, Terminal};

    #[test]
    fn only_own_colours_reach_terminal() {
        let screen = Terminal { colours: true };
        let painted = screen.paint(Colour::Red, "bad \x1b[31m\u{202e}");
        assert_eq!(
            displayable(&painted),
            "\x1b[31mbad \\u{1b}[31m\\u{202e}\x1b[0m"
        );
        let plain = Terminal::plain().paint(Colour::Red, "bad");
        assert_eq!(displayable(&plain), "bad");
    }

    #[test]
    fn value_forges_no_line() {
        let mut out = Vec::new();
        let value = "1.0\nZone:  other\r\u{85}\u{2028}";
        write_line!(&mut out, "Version: {value}").unwrap();
        write_line!(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "Version: 1.0\\nZone:  other\\r\\u{85}\\u{2028}\n\n");
    }
}
