//! Converts expressions in texts. Most do not change, such as `extensions.NAME.cfg.KEY`. Names of steps and
//! requirements may change, and the name and project of a codeset become inputs.

use std::collections::{BTreeMap, HashMap};

use extension_registry_yaml::{Content, Node, Position};

/// Renamed items.
#[derive(Default)]
pub(super) struct Names {
    new: HashMap<String, String>,
}

impl Names {
    /// Records a new name.
    pub(super) fn note(&mut self, old: &Node, new: &Node) {
        if let (Some(old), Some(new)) = (old.as_written(), new.as_written())
            && old != new
        {
            self.new.insert(old.to_owned(), new.to_owned());
        }
    }

    fn get<'n>(&'n self, name: &'n str) -> &'n str {
        self.new.get(name).map_or(name, |new| new)
    }
}

/// State of the conversion of expressions.
#[derive(Default)]
pub(super) struct Texts {
    /// Renamed steps of the workflow.
    pub(super) steps: Names,
    /// Renamed requirements of the current step.
    pub(super) requirements: Names,
    added: BTreeMap<String, Position>,
}

impl Texts {
    /// Returns the inputs to add, with the position of their first use.
    pub(super) fn into_added(self) -> BTreeMap<String, Position> {
        self.added
    }

    /// Converts the expressions in a text.
    pub(super) fn convert(&mut self, node: Node) -> Node {
        let at = node.at;
        match node.content {
            Content::Text(text) => Node::text(at, self.text(&text, at)),
            content => Node { at, content },
        }
    }

    fn text(&mut self, text: &str, at: Position) -> String {
        let mut converted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (before, from) = rest.split_at(open + 2);
            converted.push_str(before);
            // Nested braces are handled separately.
            let end = from.find("}}").filter(|end| !from[..*end].contains("{{"));
            let Some(end) = end else {
                rest = from;
                continue;
            };
            match self.expression(from[..end].trim(), at) {
                Some(expression) => {
                    converted.push(' ');
                    converted.push_str(&expression);
                    converted.push(' ');
                }
                None => converted.push_str(&from[..end]),
            }
            rest = &from[end..];
        }
        converted + rest
    }

    /// Converts an expression; None if it does not change.
    fn expression(&mut self, expression: &str, at: Position) -> Option<String> {
        let mut parts = expression.splitn(3, '.').map(str::trim);
        let (first, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
        match first {
            "inputs" if matches!(rest, "name" | "project") => {
                let input = format!("{name}-{rest}");
                self.added.entry(input.clone()).or_insert(at);
                Some(format!("inputs.{input}"))
            }
            "steps" => {
                let new = self.steps.get(name);
                (new != name).then(|| format!("steps.{new}.{rest}"))
            }
            "extension" | "extensions" => {
                let new = self.requirements.get(name);
                (new != name).then(|| format!("{first}.{new}.{rest}"))
            }
            _ => None,
        }
    }
}
