//! Escapes the values of templates.

use std::fmt::{Result, Write};

use askama::filters::Escaper;
use extension_registry_core::printable::{Layout, printable};

/// Escapes HTML, and characters that a browser does not show as they are: objects of other people could hide text or
/// change its order with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: Write>(&self, mut to: W, text: &str) -> Result {
        for character in printable(text, Layout::Lines).chars() {
            match character {
                '&' => to.write_str("&amp;")?,
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '"' => to.write_str("&quot;")?,
                '\'' => to.write_str("&#39;")?,
                other => to.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use askama::filters::Escaper;

    use super::Html;

    #[test]
    fn markup_and_hidden_characters_are_escaped() {
        for (text, expected) in [
            ("<b a=\"'\">&", "&lt;b a=&quot;&#39;&quot;&gt;&amp;"),
            ("a\u{202e}b\u{1b}[2J", "a\\u{202e}b\\u{1b}[2J"),
            ("two\nlines", "two\nlines"),
            ("Größe 日本語", "Größe 日本語"),
        ] {
            let mut escaped = String::new();
            Html.write_escaped_str(&mut escaped, text).unwrap();
            assert_eq!(escaped, expected);
        }
    }
}
