//! Capabilities of standard output, and colors.

use std::io::{self, IsTerminal};

/// Capabilities of standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether to use colors.
    pub(crate) colours: bool,
    /// Whether it is a terminal.
    pub(crate) is_terminal: bool,
}

impl Terminal {
    /// Detects the capabilities of standard output; respects `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn detect() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: is_terminal && allowed && !dumb,
            is_terminal,
        }
    }

    /// Returns a terminal without colors.
    pub(crate) fn plain() -> Self {
        Self {
            colours: false,
            is_terminal: false,
        }
    }

    /// Colors a text, if colors are enabled.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colours {
            format!("{}{text}{RESET}", colour.sequence())
        } else {
            text.to_owned()
        }
    }
}

/// A color (ECMA-48, "select graphic rendition").
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Bold,
    Red,
    Green,
    Yellow,
}

impl Colour {
    /// All colors that this program uses.
    pub(super) const ALL: [Self; 4] = [Self::Bold, Self::Red, Self::Green, Self::Yellow];

    /// Returns the escape sequence that starts the color.
    pub(super) const fn sequence(self) -> &'static str {
        match self {
            Self::Bold => "\x1b[1m",
            Self::Red => "\x1b[31m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
        }
    }
}

/// The escape sequence that ends a color.
pub(super) const RESET: &str = "\x1b[0m";
