//! Capabilities of standard output, and colors.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal};
use std::sync::LazyLock;

/// Capabilities of standard output.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Whether to use colors.
    pub colours: bool,
}

impl Terminal {
    /// Detects the capabilities of standard output; respects `NO_COLOR` (<https://no-color.org>).
    #[must_use]
    pub fn detect() -> Self {
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: io::stdout().is_terminal() && allowed && !dumb,
        }
    }

    /// Returns a terminal without colors.
    #[must_use]
    pub fn plain() -> Self {
        Self { colours: false }
    }

    /// Colors a text, if colors are enabled.
    #[must_use]
    pub fn paint(self, colour: Colour, text: &str) -> String {
        if self.colours {
            let mark = &*MARK;
            let (begin, end) = (selector(colour as u32), selector(RESET));
            format!("{mark}{begin}{text}{mark}{end}")
        } else {
            text.to_owned()
        }
    }
}

/// A color (ECMA-48, "select graphic rendition").
#[derive(Clone, Copy, Debug)]
pub enum Colour {
    /// Bold, which is no color.
    Bold = 1,
    /// Errors and refusals.
    Red = 31,
    /// Success.
    Green = 32,
    /// Warnings.
    Yellow = 33,
}

/// The number of the sequence that ends a color.
const RESET: u32 = 0;

/// Stands for the beginning of an escape sequence until the text is printed, because those in texts of files and
/// servers are escaped. It is random, so that no text can contain it, and has no width in tables.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(()).to_ne_bytes();
    random
        .map(|byte| selector(u32::from(byte) % 240))
        .iter()
        .collect()
});

/// Returns a variation selector, a character without width.
fn selector(number: u32) -> char {
    char::from_u32(0xe0100 + number).unwrap_or_default()
}

/// Replaces the marks of colors by escape sequences.
pub(crate) fn coloured(text: &str) -> String {
    let mut parts = text.split(&**MARK);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut rest = part.chars();
        let number = rest.next().map_or(RESET, |one| u32::from(one) - 0xe0100);
        let _ = write!(result, "\x1b[{number}m{}", rest.as_str());
    }
    result
}
