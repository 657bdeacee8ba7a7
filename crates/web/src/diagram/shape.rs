//! Boxes and lines.

/// Height of a box.
pub(super) const HEIGHT: usize = 30;
/// Width of a box.
pub(super) const WIDTH: usize = 210;
/// Maximum number of characters in a box.
const CHARACTERS: usize = 28;

/// A diagram. Coordinates are in CSS pixels.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Diagram {
    /// Identifies the diagram in its page.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) boxes: Vec<Rectangle>,
    pub(crate) labels: Vec<Label>,
}

/// A line between two points.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) from: (usize, usize),
    pub(crate) to: (usize, usize),
    pub(crate) is_dashed: bool,
}

/// A box with one line of text.
#[derive(Debug, PartialEq)]
pub(crate) struct Rectangle {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Text, shortened to the width.
    pub(crate) text: String,
    /// The whole text.
    pub(crate) title: String,
    /// Address of a page; may be empty.
    pub(crate) path: String,
}

/// Text outside of boxes.
#[derive(Debug, PartialEq)]
pub(crate) struct Label {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) text: String,
    /// Class of the style sheet: `good`, `bad`, or empty.
    pub(crate) class: &'static str,
}

impl Rectangle {
    /// Creates a box with the default size.
    pub(super) fn new(x: usize, y: usize, text: &str, path: String) -> Self {
        Self {
            x,
            y,
            width: WIDTH,
            height: HEIGHT,
            text: shortened(text),
            title: text.to_owned(),
            path,
        }
    }

    /// Returns the position of the text.
    pub(crate) fn baseline(&self) -> (usize, usize) {
        (self.x + 8, self.y + self.height / 2 + 5)
    }
}

/// Shortens a text to the width of a box.
fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(CHARACTERS).collect();
    if characters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}
