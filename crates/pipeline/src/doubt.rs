//! What works in a workflow, or is the engine's to judge, and is seldom meant.

use std::collections::BTreeSet;

use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::projection::environment::RESULT_VARIABLE;

use crate::check::find_input;
use crate::check::step_field;
use crate::check::texts::{Text, texts};
use crate::names::input_variable;

/// Something that its author may want to look at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What kind of thing: `shadowed-variable`, `unknown-param`, `odd-image`, `unused-input`.
    pub rule: &'static str,
    /// The field: `spec.steps[2].env[0].name`.
    pub field: String,
    /// What is seldom meant.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Every doubt about a workflow. None of them keeps it from its pipeline.
#[must_use]
pub fn doubts(spec: &WorkflowSpec) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, step) in spec.steps.iter().enumerate() {
        shadowed(index, step, &mut doubts);
        doubts.extend(odd_image(index, &step.image));
    }
    let texts = texts(spec);
    for text in &texts {
        unknown_params(spec, text, &mut doubts);
    }
    unused_inputs(spec, &texts, &mut doubts);
    doubts
}

/// A variable of the step's own takes the place of any of ours.
fn shadowed(index: usize, step: &Step, doubts: &mut Vec<Doubt>) {
    for (position, variable) in step.env.iter().enumerate() {
        let name = variable.name.as_str();
        let mut inputs = step.inputs.iter().filter_map(|input| input.name.as_deref());
        let hides = match name {
            "FUSEML_ENV_WORKFLOW_NAME" => "the name of the workflow".to_owned(),
            "FUSEML_ENV_WORKFLOW_NAMESPACE" => "the namespace of the workflow".to_owned(),
            RESULT_VARIABLE if !step.outputs.is_empty() => "the name of the output".to_owned(),
            _ => match inputs.find(|input| input_variable(input) == name) {
                Some(input) => format!("input `{input}`"),
                None => continue,
            },
        };
        doubts.push(Doubt {
            rule: "shadowed-variable",
            field: format!("{}.env[{position}].name", step_field(index)),
            message: format!("variable `{name}` takes the place of the one with {hides}"),
            hint: "rename it, unless the step is not to see the other".to_owned(),
        });
    }
}

/// What no registry takes as the name of an image. Tags and digests are not known here.
fn odd_image(index: usize, image: &str) -> Option<Doubt> {
    let template = Template::parse(image).ok()?;
    let texts = template.segments.iter().map(|segment| match segment {
        Segment::Text(text) => *text,
        // Whatever comes in its place, its neighbours stay.
        _ => "x",
    });
    let image: String = texts.collect();
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let path = name.strip_suffix(last).unwrap_or_default();
    let repository = last.split(':').next().unwrap_or_default();
    // The first part may be a host, which may have a port and capitals.
    let below_host = path.split_once('/').map_or("", |(_, path)| path);
    let what = if image.contains(char::is_whitespace) {
        "white space"
    } else if image.contains(['{', '}']) {
        "braces that are no expression"
    } else if last.matches(':').count() > 1 || below_host.contains(':') {
        "more than one tag"
    } else if format!("{below_host}{repository}").contains(|one: char| one.is_ascii_uppercase()) {
        "capital letters in its name"
    } else {
        return None;
    };
    // One that is missing is a problem.
    (!image.trim().is_empty()).then(|| Doubt {
        rule: "odd-image",
        field: format!("{}.image", step_field(index)),
        message: format!("has {what}, so no registry has it"),
        hint: "write `HOST/NAME:TAG`".to_owned(),
    })
}

/// A param of the engine that nobody declares: the engine refuses the pipeline.
fn unknown_params(spec: &WorkflowSpec, text: &Text<'_>, doubts: &mut Vec<Doubt>) {
    let step = text.step.and_then(|step| spec.steps.get(step));
    let is_known = |name: &str| {
        let mut inputs = step.iter().flat_map(|step| &step.inputs);
        find_input(spec, name).is_some() || inputs.any(|input| input.name.as_deref() == Some(name))
    };
    let unknown: BTreeSet<&str> = params(text.content)
        .filter(|name| !name.is_empty() && !is_known(name))
        .collect();
    doubts.extend(unknown.into_iter().map(|name| Doubt {
        rule: "unknown-param",
        field: text.field.clone(),
        message: format!("`$(params.{name})` is a param of the engine that nobody declares"),
        hint: "declare an input, and write `{{ inputs.NAME }}`".to_owned(),
    }));
}

/// Params of the engine that a text names. `$$(…)` is no reference.
fn params(text: &str) -> impl Iterator<Item = &str> {
    let opening = "$(params.";
    text.match_indices(opening)
        .filter(|(at, _)| !text[..*at].ends_with('$'))
        .filter_map(move |(at, _)| {
            let (name, _) = text[at + opening.len()..].split_once(')')?;
            name.split(['.', '[']).next()
        })
}

fn unused_inputs(spec: &WorkflowSpec, texts: &[Text<'_>], doubts: &mut Vec<Doubt>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for text in texts {
        used.extend(params(text.content));
        // A text that cannot be read may hold any of them.
        let Ok(template) = Template::parse(text.content) else {
            return;
        };
        used.extend(
            template
                .segments
                .iter()
                .filter_map(|segment| match segment {
                    Segment::Input { name, .. } => Some(*name),
                    _ => None,
                }),
        );
    }
    let inputs = spec.inputs.iter().enumerate();
    let unused = inputs.filter(|(_, input)| !used.contains(input.name.as_str()));
    doubts.extend(unused.map(|(index, input)| Doubt {
        rule: "unused-input",
        field: format!("spec.inputs[{index}].name"),
        message: format!("no step uses input `{}`", input.name),
        hint: format!(
            "write `{{{{ inputs.{} }}}}` where it belongs, or remove it",
            input.name
        ),
    }));
}
