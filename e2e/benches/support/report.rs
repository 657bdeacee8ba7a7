//! The table and the file: what every benchmark here ends with.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use extension_registry_e2e::setup::repository;
use serde_json::{Value, json};

enum Target {
    Most(f64),
    Least(f64),
    None,
}

struct Line {
    name: String,
    value: f64,
    unit: &'static str,
    target: Target,
}

impl Line {
    fn passed(&self) -> Option<bool> {
        match self.target {
            Target::Most(limit) => Some(self.value <= limit),
            Target::Least(limit) => Some(self.value >= limit),
            Target::None => None,
        }
    }
}

/// What was measured.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// A value that must not be above a limit.
    pub(crate) fn most(&mut self, name: &str, value: f64, limit: f64, unit: &'static str) {
        self.add(name, value, unit, Target::Most(limit));
    }

    /// A value that must not be below a limit.
    pub(crate) fn least(&mut self, name: &str, value: f64, limit: f64, unit: &'static str) {
        self.add(name, value, unit, Target::Least(limit));
    }

    /// A value without a target.
    pub(crate) fn note(&mut self, name: &str, value: f64, unit: &'static str) {
        self.add(name, value, unit, Target::None);
    }

    fn add(&mut self, name: &str, value: f64, unit: &'static str, target: Target) {
        println!("{name}: {value:.2} {unit}");
        self.lines.push(Line {
            name: name.to_owned(),
            value,
            unit,
            target,
        });
    }

    /// Whether every target is met.
    pub(crate) fn passed(&self) -> bool {
        self.lines.iter().all(|line| line.passed() != Some(false))
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("\n{:<52} {:>14} {:>16}\n", "", "measured", "target");
        for line in &self.lines {
            let target = match line.target {
                Target::Most(limit) => format!("<= {limit:.2}"),
                Target::Least(limit) => format!(">= {limit:.2}"),
                Target::None => String::new(),
            };
            let verdict = match line.passed() {
                Some(true) => "pass",
                Some(false) => "FAIL",
                None => "",
            };
            let value = format!("{:.2} {}", line.value, line.unit);
            // Writing into a String does not fail.
            let _ = writeln!(text, "{:<52} {value:>14} {target:>16} {verdict}", line.name);
        }
        text
    }

    /// For programs: a file at the root of the repository, with what was measured and under which circumstances.
    pub(crate) fn write(&self, file: &str, mut circumstances: Value) -> Result<()> {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                let (at_most, at_least) = match line.target {
                    Target::Most(limit) => (Some(limit), None),
                    Target::Least(limit) => (None, Some(limit)),
                    Target::None => (None, None),
                };
                json!({
                    "name": line.name, "value": line.value, "unit": line.unit,
                    "atMost": at_most, "atLeast": at_least, "passed": line.passed(),
                })
            })
            .collect();
        circumstances["results"] = lines.into();
        let path = repository(file);
        fs::write(&path, serde_json::to_string_pretty(&circumstances)?)
            .with_context(|| format!("failed to write {}", path.display()))
    }
}
