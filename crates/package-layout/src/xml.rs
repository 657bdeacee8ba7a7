//! Minimal XML for Maven's files: elements with text. Entities are not expanded and nothing is fetched.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// Maximum size of a file.
pub const LONGEST: u64 = 1 << 20;
/// Maximum nesting depth.
const DEEPEST: usize = 64;

/// An element: its name without a prefix, its text, and its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Returns its local name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the trimmed text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// Returns the first child with a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text of the first child with a name, unless it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text();
        (!text.is_empty()).then_some(text)
    }

    /// Returns the children of the first child with a name.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |child| &child.children)
    }
}

/// Parses a file with this root element.
///
/// # Errors
/// Returns a reason if the file is too large, malformed, or has another root element.
pub fn read(bytes: &[u8], root: &str) -> Result<Element, String> {
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is larger than {LONGEST} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not valid UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let Some(here) = open.last_mut() else {
            return Err("unexpected end tag".to_owned());
        };
        match event {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return Err(format!("elements are nested deeper than {DEEPEST} levels"));
                }
                open.push(element(&start));
            }
            Event::Empty(start) => here.children.push(element(&start)),
            Event::End(_) => {
                let done = open.pop().unwrap_or_default();
                let Some(around) = open.last_mut() else {
                    return Err("unexpected end tag".to_owned());
                };
                around.children.push(done);
            }
            Event::Text(text) => here.text.push_str(&text.xml10_content()),
            Event::CData(text) => here.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref();
                if let Some(character) = character.map_err(|error| error.to_string())? {
                    here.text.push(character);
                } else if let Some(text) = resolve_predefined_entity(&reference.xml10_content()) {
                    here.text.push_str(text);
                } else {
                    return Err("custom entities are not supported".to_owned());
                }
            }
            Event::DocType(_) => {
                return Err("document type declarations are not supported".to_owned());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if open.len() > 1 {
        return Err("unexpected end of file".to_owned());
    }
    let top = open.pop().unwrap_or_default();
    let found = top.children.into_iter().find(|child| child.name == root);
    found.ok_or_else(|| format!("missing element `{root}`"))
}

fn element(start: &BytesStart<'_>) -> Element {
    Element {
        name: start.local_name().as_ref().to_owned(),
        ..Element::default()
    }
}

/// Writes elements, each on its own line.
#[derive(Debug)]
pub struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    /// Starts a document.
    #[must_use]
    pub fn start() -> Self {
        Self {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
        }
    }

    /// Writes an element with the children that the function writes, or nothing if there are none.
    pub fn within(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        let before = self.text.len();
        self.line(&format!("<{name}>"));
        let begun = self.text.len();
        self.open.push(name);
        fill(self);
        self.open.pop();
        if self.text.len() == begun {
            self.text.truncate(before);
        } else {
            self.line(&format!("</{name}>"));
        }
    }

    /// Writes the root element, with verbatim attributes.
    pub fn root(&mut self, name: &str, attributes: &str, fill: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.text, "<{name}{attributes}>");
        self.open.push("");
        fill(self);
        self.open.pop();
        let _ = writeln!(self.text, "</{name}>");
    }

    /// Writes an element with text. Characters that XML does not allow are removed (XML 1.0, clause 2.2).
    pub fn leaf(&mut self, name: &str, text: &str) {
        let is_allowed = |character: &char| {
            matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}')
                || matches!(character, '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        let text: String = text.chars().filter(is_allowed).collect();
        self.line(&format!("<{name}>{}</{name}>", escape(text.as_str())));
    }

    /// Writes an element if there is a text.
    pub fn leaf_of(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.leaf(name, text);
        }
    }

    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.text,
            "{:width$}{text}",
            "",
            width = self.open.len() * 2
        );
    }

    /// Returns the document.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn rejects_entities_and_doctypes() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        assert!(read(bomb, "a").unwrap_err().contains("document type"));
        assert!(read(b"<a>&b;</a>", "a").unwrap_err().contains("entities"));
        let read = read(b"<p:a>1 &lt; &#50;<![CDATA[ & 3]]></p:a>", "a");
        assert_eq!(read.unwrap().text(), "1 < 2 & 3");
    }

    #[test]
    fn rejects_malformed_xml() {
        let deep = "<a>".repeat(100_000);
        for text in [
            "",
            "<a>",
            "</a>",
            "<a></b>",
            "<html><br></html>",
            deep.as_str(),
        ] {
            assert!(read(text.as_bytes(), "a").is_err(), "{text:.20}");
        }
        let long = vec![b' '; usize::try_from(super::LONGEST).unwrap() + 1];
        assert!(read(&long, "a").is_err());
    }
}
