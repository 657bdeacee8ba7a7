//! As much of XML as Maven's files need: elements with text. Nothing is expanded and nothing is fetched.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// The longest file that is read.
pub(crate) const LONGEST: u64 = 1 << 20;
/// How deep elements may lie in each other.
const DEEPEST: usize = 64;

/// An element: its name without a prefix, its text, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text, without the space around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of a name, where it has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text();
        (!text.is_empty()).then_some(text)
    }

    /// What is in the first child of a name.
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |child| &child.children)
    }
}

/// Reads a file with this element around everything; else says why not.
pub(crate) fn read(bytes: &[u8], root: &str) -> Result<Element, String> {
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let Some(here) = open.last_mut() else {
            return Err("an element ends that never began".to_owned());
        };
        match event {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return Err(format!("elements lie deeper than {DEEPEST}"));
                }
                open.push(element(&start));
            }
            Event::Empty(start) => here.children.push(element(&start)),
            Event::End(_) => {
                let done = open.pop().unwrap_or_default();
                let Some(around) = open.last_mut() else {
                    return Err("an element ends that never began".to_owned());
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
                    return Err("it has an entity of its own, which is never expanded".to_owned());
                }
            }
            Event::DocType(_) => {
                return Err("it has a document type declaration, which is never read".to_owned());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if open.len() > 1 {
        return Err("it ends too early".to_owned());
    }
    let top = open.pop().unwrap_or_default();
    let found = top.children.into_iter().find(|child| child.name == root);
    found.ok_or_else(|| format!("it has no element `{root}`"))
}

fn element(start: &BytesStart<'_>) -> Element {
    Element {
        name: start.local_name().as_ref().to_owned(),
        ..Element::default()
    }
}

/// Writes elements, each on a line of its own.
#[derive(Debug)]
pub(crate) struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
        }
    }

    /// Begins an element; what is in it comes from the function. With nothing in it, there is no element.
    pub(crate) fn within(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
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

    /// The element around everything, with attributes that are written as they are.
    pub(crate) fn root(&mut self, name: &str, attributes: &str, fill: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.text, "<{name}{attributes}>");
        self.open.push("");
        fill(self);
        self.open.pop();
        let _ = writeln!(self.text, "</{name}>");
    }

    /// An element with text. Characters that no XML can hold are left out (XML 1.0, clause 2.2).
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        let is_allowed = |character: &char| {
            matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}')
                || matches!(character, '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        let text: String = text.chars().filter(is_allowed).collect();
        self.line(&format!("<{name}>{}</{name}>", escape(text.as_str())));
    }

    /// The same, where there is a text.
    pub(crate) fn leaf_of(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.leaf(name, text);
        }
    }

    fn line(&mut self, text: &str) {
        // Writing into a String does not fail.
        let _ = writeln!(
            self.text,
            "{:width$}{text}",
            "",
            width = self.open.len() * 2
        );
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn nothing_is_expanded() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        assert!(read(bomb, "a").unwrap_err().contains("document type"));
        assert!(read(b"<a>&b;</a>", "a").unwrap_err().contains("entity"));
        let read = read(b"<p:a>1 &lt; &#50;<![CDATA[ & 3]]></p:a>", "a");
        assert_eq!(read.unwrap().text(), "1 < 2 & 3");
    }

    #[test]
    fn what_is_no_xml_is_refused() {
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
