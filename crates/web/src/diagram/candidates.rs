//! Which candidate was rejected at which stage.

use extension_registry_query::consumer::ConsumerName;
use extension_registry_query::explain::Explanation;

use super::shape::{Diagram, HEIGHT, Label, Line, Rectangle, WIDTH};
use crate::link;

/// Maximum number of candidates.
const SHOWN: usize = 10;
/// The stages of a resolution, in their order.
const STAGES: [&str; 4] = ["Match", "Not shadowed", "Credentials", "One left"];
/// Distance of the stages.
const STAGE: usize = 105;
/// Distance of the rows.
const ROW: usize = HEIGHT + 10;
/// Height of the headers.
const HEADER: usize = 28;

/// Draws a row for each of the closest candidates, up to the stage at which it was rejected. None without candidates.
pub(crate) fn draw(explanation: &Explanation, id: String) -> Option<Diagram> {
    let total = explanation.candidates.len() + explanation.omitted;
    if explanation.candidates.is_empty() {
        return None;
    }
    let mut diagram = Diagram {
        id,
        title: match &explanation.answer.consumer {
            ConsumerName::Step {
                step, requirement, ..
            } => format!("Stages of {step}/{requirement}"),
            ConsumerName::Binding { binding } => format!("Stages of {binding}"),
        },
        width: WIDTH + STAGES.len() * STAGE,
        ..Diagram::default()
    };
    let center = |stage: usize| WIDTH + stage * STAGE + STAGE / 2;
    for (stage, name) in STAGES.iter().enumerate() {
        diagram.labels.push(Label {
            x: WIDTH + stage * STAGE + 12,
            y: 16,
            text: (*name).to_owned(),
            class: "",
        });
    }
    let mut chosen = None;
    let namespace = &explanation.answer.namespace;
    let shown = explanation.candidates.iter().take(SHOWN);
    for (row, candidate) in shown.enumerate() {
        let y = HEADER + row * ROW;
        let name = format!("{}/{}", candidate.record, candidate.service);
        let own = (candidate.kind == "Extension").then_some(namespace.as_str());
        let path = link::record(candidate.kind, own, &candidate.record);
        diagram.boxes.push(Rectangle::new(0, y, &name, path));
        let stage = rejected_at(candidate.verdict);
        let middle = y + HEIGHT / 2;
        let last = stage.unwrap_or(STAGES.len() - 1);
        diagram.lines.push(Line {
            from: (WIDTH, middle),
            to: (center(last) - 10, middle),
            is_dashed: stage.is_some(),
        });
        diagram.labels.push(Label {
            x: center(last) - 5,
            y: middle + 5,
            text: if stage.is_some() { "✕" } else { "✓" }.to_owned(),
            class: if stage.is_some() { "bad" } else { "good" },
        });
        if stage.is_none() {
            chosen = Some(name);
        }
    }
    let shown = diagram.boxes.len();
    diagram.height = HEADER + shown * ROW;
    let result = match chosen {
        Some(name) => format!("{name} is chosen."),
        None => "None is chosen.".to_owned(),
    };
    diagram.description = format!(
        "{shown} of {total} candidates, each up to the stage at which it was rejected. {result}"
    );
    Some(diagram)
}

/// Returns the stage at which a candidate was rejected.
fn rejected_at(verdict: &str) -> Option<usize> {
    match verdict {
        "Chosen" => None,
        "Mismatch" => Some(0),
        "Shadowed" => Some(1),
        "NoCredentials" => Some(2),
        _ => Some(3),
    }
}
