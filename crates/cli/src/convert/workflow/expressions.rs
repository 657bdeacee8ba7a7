//! Expressions in texts. Most are the same here: `extensions.NAME.cfg.KEY` is, too. Names of steps and
//! requirements may have changed, and a codeset has no name and no project to be read off it.

use std::collections::{BTreeMap, HashMap};

use extension_registry_yaml::{Content, Node, Position};

/// Names that changed.
#[derive(Default)]
pub(super) struct Names {
    new: HashMap<String, String>,
}

impl Names {
    /// Notes what a name became.
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

/// What expressions speak of.
#[derive(Default)]
pub(super) struct Texts {
    /// Steps of the workflow.
    pub(super) steps: Names,
    /// Requirements of the step whose texts are converted.
    pub(super) requirements: Names,
    added: BTreeMap<String, Position>,
}

impl Texts {
    /// Inputs that expressions need now, and where first.
    pub(super) fn into_added(self) -> BTreeMap<String, Position> {
        self.added
    }

    /// The same text with the expressions of here.
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
            // Braces inside braces are judged by themselves.
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

    /// What an expression becomes; None where it stays.
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
