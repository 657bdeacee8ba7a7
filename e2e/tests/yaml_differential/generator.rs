//! Random texts.

use crate::pieces::{
    KEYS, MERGED, PROPERTIES, SEPARATORS, SPECIAL, WILD_KEYS, WILD_PROPERTIES, WILD_SEPARATORS,
};
use crate::table::{utf16, values};
use crate::{Case, HEAD, JSON_HEAD};
use extension_registry_yaml::parse;

/// Random numbers from a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// Returns true once in so many times.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }
}

/// Returns random texts.
pub(crate) fn cases(count: usize) -> Vec<Case> {
    let values = values();
    let is_valid = |value: &&String| {
        let texts = [format!("a: {value}\n"), format!("a: [{value}]\n")];
        texts.iter().all(|text| parse(text).1.is_empty())
    };
    let mut generator = Generator {
        random: Random(36),
        valid: values.iter().filter(is_valid).cloned().collect(),
        values,
        is_wild: false,
    };
    (0..count).map(|_| generator.case()).collect()
}

struct Generator {
    random: Random,
    values: Vec<String>,
    /// Values without errors.
    valid: Vec<String>,
    /// Whether the text may have errors.
    is_wild: bool,
}

impl Generator {
    fn case(&mut self) -> Case {
        self.is_wild = self.random.one_in(2);
        let text = if self.random.one_in(5) {
            self.json()
        } else {
            self.yaml()
        };
        let bytes = match self.random.below(20) {
            0 => utf16(&text, u16::to_le_bytes),
            1 => utf16(&text, u16::to_be_bytes),
            2 => format!("\u{feff}{text}").into_bytes(),
            3 => text.replace('\n', "\r\n").into_bytes(),
            4 => text.trim_end().to_owned().into_bytes(),
            _ => text.into_bytes(),
        };
        Case {
            bytes,
            difference: None,
        }
    }

    /// Returns whether to generate something that may be an error.
    fn errs(&mut self) -> bool {
        self.is_wild && self.random.one_in(12)
    }

    fn pick(&mut self, valid: &[&'static str], wild: &[&'static str]) -> &'static str {
        let from = if self.errs() { wild } else { valid };
        from[self.random.below(from.len())]
    }

    fn yaml(&mut self) -> String {
        let mut text = String::new();
        if self.random.one_in(8) {
            text += self.pick(SEPARATORS, WILD_SEPARATORS);
        }
        for document in 0..=self.random.below(3) {
            if document > 0 {
                text += self.pick(SEPARATORS, WILD_SEPARATORS);
            }
            let mut body = "anchors: [&a a, &b {b: c, yes: d}]\n".to_owned();
            for field in ["data", "more"] {
                body += field;
                body += ":";
                self.node(&mut body, 0, 3);
            }
            if self.errs() || self.errs() || self.errs() {
                self.change(&mut body);
            }
            text += HEAD;
            text += &body;
        }
        text
    }

    /// Inserts, replaces or removes some characters.
    fn change(&mut self, text: &mut String) {
        for _ in 0..=self.random.below(2) {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let place = places[self.random.below(places.len())];
            match self.random.below(3) {
                0 => drop(text.remove(place)),
                1 => text.insert_str(place, self.random.pick(SPECIAL)),
                _ => {
                    text.remove(place);
                    text.insert_str(place, self.random.pick(SPECIAL));
                }
            }
            if text.is_empty() {
                return;
            }
        }
    }

    /// Adds a node after `:` or `-`, up to the end of its last line.
    fn node(&mut self, text: &mut String, indent: usize, depth: usize) {
        if self.random.one_in(4) {
            text.push(' ');
            text.push_str(self.pick(PROPERTIES, WILD_PROPERTIES).trim_end());
        }
        match self.random.below(if depth == 0 { 6 } else { 10 }) {
            0 => {
                text.push(' ');
                let flow = self.flow(2);
                text.push_str(&flow);
                self.end(text);
            }
            1 => self.block_scalar(text, indent),
            2 => self.long_scalar(text, indent),
            3 => {
                text.push_str(self.random.pick(&[" *a", " *b"]));
                self.end(text);
            }
            4 | 5 => {
                text.push(' ');
                let scalar = self.scalar();
                text.push_str(&scalar);
                self.end(text);
            }
            6 | 7 => {
                self.end(text);
                // A sequence in a mapping need not be indented.
                let indent = indent + self.random.below(3);
                for _ in 0..=self.random.below(3) {
                    *text += &" ".repeat(indent);
                    text.push('-');
                    self.node(text, indent + 1, depth - 1);
                }
            }
            _ => {
                self.end(text);
                let indent = indent + 1 + self.random.below(3);
                for _ in 0..=self.random.below(4) {
                    *text += &" ".repeat(indent);
                    if self.random.one_in(6) {
                        *text += "<<: ";
                        *text += self.random.pick(MERGED);
                        self.end(text);
                        continue;
                    }
                    if self.random.one_in(12) {
                        *text += "? ";
                        *text += self.pick(KEYS, WILD_KEYS);
                        self.end(text);
                        *text += &" ".repeat(indent);
                    } else {
                        *text += self.pick(KEYS, WILD_KEYS);
                    }
                    text.push(':');
                    self.node(text, indent, depth - 1);
                }
            }
        }
    }

    /// Ends a line.
    fn end(&mut self, text: &mut String) {
        *text += match self.random.below(16) {
            0 => " # c\n",
            1 => " \n",
            2 => "\t\n",
            3 => "\n\n",
            4 => "\n# c\n",
            5 => "#c\n",
            _ => "\n",
        };
    }

    fn scalar(&mut self) -> String {
        let values = if self.errs() {
            &self.values
        } else {
            &self.valid
        };
        values[self.random.below(values.len())].clone()
    }

    fn flow(&mut self, depth: usize) -> String {
        let blank = |random: &mut Random| {
            random
                .pick(&["", "", " ", " ", "\n ", "\t", " # c\n ", "\n"])
                .to_owned()
        };
        let mut text = String::new();
        if self.random.one_in(6) {
            text += self.pick(PROPERTIES, WILD_PROPERTIES);
        }
        match self.random.below(if depth == 0 { 3 } else { 6 }) {
            0 => {
                text += self
                    .random
                    .pick(&["*a", "*b", "*a ", "''", "\"a\"", "b c", "<<"]);
            }
            1 | 2 => text += &self.scalar(),
            3 | 4 => {
                text.push('[');
                for _ in 0..self.random.below(4) {
                    text += &blank(&mut self.random);
                    text += &self.flow(depth - 1);
                    text += &blank(&mut self.random);
                    text.push(',');
                }
                text.push(']');
            }
            _ => {
                text.push('{');
                for _ in 0..self.random.below(4) {
                    if self.random.one_in(6) {
                        text += "<<: ";
                        text += self.random.pick(MERGED);
                        text.push(',');
                        continue;
                    }
                    text += self.pick(KEYS, WILD_KEYS);
                    text += ": ";
                    text += &blank(&mut self.random);
                    text += &self.flow(depth - 1);
                    text += &blank(&mut self.random);
                    text.push(',');
                }
                text.push('}');
            }
        }
        text
    }

    fn block_scalar(&mut self, text: &mut String, indent: usize) {
        text.push(' ');
        *text += self.random.pick(&["|", ">"]);
        *text += self
            .random
            .pick(&["", "", "", "-", "+", "1", "2", "2-", "+1", "-1"]);
        self.end(text);
        self.lines(text, indent);
    }

    /// Adds lines of text.
    fn lines(&mut self, text: &mut String, indent: usize) {
        let indent = indent + 1 + self.random.below(3);
        for _ in 0..self.random.below(5) {
            *text += &" ".repeat(indent);
            *text += self.random.pick(&["", "", " ", "  ", "\t", "  ", "   "]);
            *text += self.random.pick(&[
                "", "a", "b c", "# d", "e ", "f\t", "- g", "h: i", "...", "---", "\"j",
            ]);
            *text += self.random.pick(&[
                "\n", "\n", "\n", "\n\n", "\r", "\u{85}", "\u{2028}", "\n \n",
            ]);
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }

    /// Adds a scalar of several lines, plain or in quotes.
    fn long_scalar(&mut self, text: &mut String, indent: usize) {
        let quote = self.random.pick(&["", "'", "\""]);
        text.push(' ');
        *text += quote;
        *text += self
            .random
            .pick(&["a", "a b", "", " a ", "a\\", "it''s", "\\u0041"]);
        *text += self.random.pick(&["", " ", "\t", "\n", "\r"]);
        self.lines(text, indent);
        let end = text.trim_end_matches('\n').len();
        if self.random.one_in(2) {
            text.truncate(end);
        }
        *text += quote;
        self.end(text);
    }

    fn json(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.random.below(3) {
            let value = self.json_value(3);
            let mut object = format!("{{{JSON_HEAD},\"data\":{value}}}");
            if self.errs() || self.errs() {
                let mut rest = object.split_off(1 + JSON_HEAD.len());
                self.change(&mut rest);
                object += &rest;
            }
            text += self
                .random
                .pick(&["", "", "", "", " ", "\n", "---\n", "# c\n", "\u{a0}"]);
            text += &object;
            text += self.random.pick(&[
                "", "\n", "\n", "\n", "\n---\n", "---\n", " ", ",", "\n\n", "...\n",
            ]);
        }
        if self.random.one_in(6) {
            text += HEAD;
        }
        text
    }

    fn json_value(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 4 } else { 7 }) {
            0 => self
                .random
                .pick(&[
                    "1",
                    "-2.50",
                    "1e3",
                    "0",
                    "-0",
                    "12345678901234567890",
                    "1E-5",
                ])
                .to_owned(),
            1 => self
                .random
                .pick(&["true", "false", "null", "yes", "~", "0x1"])
                .to_owned(),
            2 | 3 => self
                .random
                .pick(&[
                    "\"a\"",
                    "\"\"",
                    "\"\\n\"",
                    "\"\\/\"",
                    "\"\\ud83d\\ude00\"",
                    "\"\\ud800\"",
                    "\"é\"",
                    "\"a: b\"",
                    "'c'",
                ])
                .to_owned(),
            4 => {
                let items: Vec<String> = (0..self.random.below(4))
                    .map(|_| self.json_value(depth - 1))
                    .collect();
                format!(
                    "[{}]",
                    items.join(self.random.pick(&[",", ", ", " ,\n", ",\t"]))
                )
            }
            _ => {
                let fields: Vec<String> = (0..self.random.below(4))
                    .map(|_| {
                        let key = self
                            .random
                            .pick(&["\"a\"", "\"b\"", "\"c d\"", "\"\"", "\"<<\"", "\"e\"", "f"]);
                        let colon = self.random.pick(&[":", ": ", " :", "\n:\t"]);
                        format!("{key}{colon}{}", self.json_value(depth - 1))
                    })
                    .collect();
                format!(
                    "{{{}}}",
                    fields.join(self.random.pick(&[",", ", ", " ,\n", ",\t"]))
                )
            }
        }
    }
}
