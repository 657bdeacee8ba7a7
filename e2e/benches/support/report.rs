//! Results of a benchmark, as a table and as a file.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use extension_registry_e2e::setup::repository;
use serde_json::{Value, json};

enum Target {
    AtMost(f64),
    AtLeast(f64),
    None,
}

struct Line {
    name: String,
    value: f64,
    /// Whether only a lower bound is known, which the real value exceeds.
    is_above: bool,
    unit: &'static str,
    target: Target,
}

impl Line {
    /// Returns the value with its unit.
    fn measured(&self) -> String {
        let sign = if self.is_above { "> " } else { "" };
        format!("{sign}{:.2} {}", self.value, self.unit)
    }

    fn passed(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(limit) => Some(!self.is_above && self.value <= limit),
            Target::AtLeast(limit) => Some(self.value >= limit),
            Target::None => None,
        }
    }
}

/// Measured values with their targets.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Adds a value that must not exceed a limit.
    pub(crate) fn at_most(&mut self, name: &str, value: f64, limit: f64, unit: &'static str) {
        self.add(name, value, unit, Target::AtMost(limit));
    }

    /// Adds a value of which only a lower bound is known, and which must not exceed a limit. It counts as a miss.
    #[allow(dead_code, reason = "used by one of the benchmarks")]
    pub(crate) fn above(&mut self, name: &str, bound: f64, limit: f64, unit: &'static str) {
        self.push(Line {
            name: name.to_owned(),
            value: bound,
            is_above: true,
            unit,
            target: Target::AtMost(limit),
        });
    }

    /// Adds a value that must not be below a limit.
    pub(crate) fn at_least(&mut self, name: &str, value: f64, limit: f64, unit: &'static str) {
        self.add(name, value, unit, Target::AtLeast(limit));
    }

    /// Adds a value without a target.
    pub(crate) fn note(&mut self, name: &str, value: f64, unit: &'static str) {
        self.add(name, value, unit, Target::None);
    }

    fn add(&mut self, name: &str, value: f64, unit: &'static str, target: Target) {
        self.push(Line {
            name: name.to_owned(),
            value,
            is_above: false,
            unit,
            target,
        });
    }

    fn push(&mut self, line: Line) {
        println!("{}: {}", line.name, line.measured());
        self.lines.push(line);
    }

    /// Returns whether all targets are met.
    pub(crate) fn passed(&self) -> bool {
        self.lines.iter().all(|line| line.passed() != Some(false))
    }

    /// Returns the results as a table.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("\n{:<52} {:>14} {:>16}\n", "", "measured", "target");
        for line in &self.lines {
            let target = match line.target {
                Target::AtMost(limit) => format!("<= {limit:.2}"),
                Target::AtLeast(limit) => format!(">= {limit:.2}"),
                Target::None => String::new(),
            };
            let verdict = match line.passed() {
                Some(true) => "pass",
                Some(false) => "FAIL",
                None => "",
            };
            let value = line.measured();
            // Writing into a String does not fail.
            let _ = writeln!(text, "{:<52} {value:>14} {target:>16} {verdict}", line.name);
        }
        text
    }

    /// Writes the results and the parameters of the run as JSON to a file at the root of the repository.
    pub(crate) fn write(&self, file: &str, mut parameters: Value) -> Result<()> {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                let (at_most, at_least) = match line.target {
                    Target::AtMost(limit) => (Some(limit), None),
                    Target::AtLeast(limit) => (None, Some(limit)),
                    Target::None => (None, None),
                };
                let mut result = json!({
                    "name": line.name, "value": line.value, "unit": line.unit,
                    "atMost": at_most, "atLeast": at_least, "passed": line.passed(),
                });
                if line.is_above {
                    result["above"] = json!(true);
                }
                result
            })
            .collect();
        parameters["results"] = lines.into();
        let path = repository(file);
        fs::write(&path, serde_json::to_string_pretty(&parameters)?)
            .with_context(|| format!("failed to write {}", path.display()))
    }
}
