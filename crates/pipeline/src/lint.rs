//! Lints: valid constructs that are probably mistakes.

use std::collections::BTreeSet;

use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_core::diagnostic::{Diagnostic, Severity};
use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::projection::environment::RESULT_VARIABLE;

use crate::check::texts::{Text, texts};
use crate::engine::engine;
use crate::names::input_variable;
use crate::spec::find_input;
use crate::spec::step_field;

/// A lint warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Name of the lint: `shadowed-variable`, `unknown-param`, `odd-image`, `unused-input`.
    pub rule: &'static str,
    /// Path of the field: `spec.steps[2].env[0].name`.
    pub field: String,
    /// What is probably wrong.
    pub message: String,
    /// How to fix it.
    pub hint: String,
}

impl From<Lint> for Diagnostic {
    fn from(lint: Lint) -> Self {
        Self {
            severity: Severity::Warning,
            rule: lint.rule.into(),
            field: lint.field,
            position: None,
            message: lint.message,
            hints: vec![lint.hint],
        }
    }
}

/// Returns all lint warnings of a workflow. They do not prevent its pipeline.
#[must_use]
pub fn lint(spec: &WorkflowSpec) -> Vec<Lint> {
    let mut lints = Vec::new();
    for (index, step) in spec.steps.iter().enumerate() {
        shadowed(index, step, &mut lints);
        lints.extend(odd_image(index, &step.image));
    }
    let texts = texts(spec);
    for text in &texts {
        unknown_params(spec, text, &mut lints);
    }
    unused_inputs(spec, &texts, &mut lints);
    lints
}

/// Warns about variables of a step that override variables of the operator.
fn shadowed(index: usize, step: &Step, lints: &mut Vec<Lint>) {
    for (position, variable) in step.env.iter().enumerate() {
        let name = variable.name.as_str();
        let mut inputs = step.inputs.iter().filter_map(|input| input.name.as_deref());
        let hides = match name {
            "FUSEML_ENV_WORKFLOW_NAME" => "the workflow name".to_owned(),
            "FUSEML_ENV_WORKFLOW_NAMESPACE" => "the workflow namespace".to_owned(),
            RESULT_VARIABLE if !step.outputs.is_empty() => "the output name".to_owned(),
            _ => match inputs.find(|input| input_variable(input) == name) {
                Some(input) => format!("input `{input}`"),
                None => continue,
            },
        };
        lints.push(Lint {
            rule: "shadowed-variable",
            field: format!("{}.env[{position}].name", step_field(index)),
            message: format!("variable `{name}` overrides the variable for {hides}"),
            hint: "rename it, unless this is intended".to_owned(),
        });
    }
}

/// Warns about invalid image references. Tags and digests are not checked.
fn odd_image(index: usize, image: &str) -> Option<Lint> {
    let template = Template::parse(image).ok()?;
    let texts = template.segments.iter().map(|segment| match segment {
        Segment::Text(text) => *text,
        // The text around an expression does not depend on its value.
        _ => "x",
    });
    let image: String = texts.collect();
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let path = name.strip_suffix(last).unwrap_or_default();
    let repository = last.split(':').next().unwrap_or_default();
    // The first part may be a host, which may have a port and upper-case letters.
    let below_host = path.split_once('/').map_or("", |(_, path)| path);
    let what = if image.contains(char::is_whitespace) {
        "whitespace"
    } else if image.contains(['{', '}']) {
        "braces that are not an expression"
    } else if last.matches(':').count() > 1 || below_host.contains(':') {
        "more than one tag"
    } else if format!("{below_host}{repository}").contains(|one: char| one.is_ascii_uppercase()) {
        "uppercase letters in the repository name"
    } else {
        return None;
    };
    // A missing image is a problem.
    (!image.trim().is_empty()).then(|| Lint {
        rule: "odd-image",
        field: format!("{}.image", step_field(index)),
        message: format!("invalid image reference: {what}"),
        hint: "use `HOST/NAME:TAG`".to_owned(),
    })
}

/// Warns about undeclared parameters of the engine, for which the engine would reject the pipeline.
fn unknown_params(spec: &WorkflowSpec, text: &Text<'_>, lints: &mut Vec<Lint>) {
    let step = text.step.and_then(|step| spec.steps.get(step));
    let is_known = |name: &str| {
        let mut inputs = step.iter().flat_map(|step| &step.inputs);
        find_input(spec, name).is_some() || inputs.any(|input| input.name.as_deref() == Some(name))
    };
    let unknown: BTreeSet<&str> = engine()
        .params_in(text.content)
        .into_iter()
        .filter(|name| !name.is_empty() && !is_known(name))
        .collect();
    lints.extend(unknown.into_iter().map(|name| Lint {
        rule: "unknown-param",
        field: text.field.clone(),
        message: format!(
            "`{}` references an undeclared parameter",
            engine().param(name)
        ),
        hint: "declare an input and use `{{ inputs.NAME }}`".to_owned(),
    }));
}

fn unused_inputs(spec: &WorkflowSpec, texts: &[Text<'_>], lints: &mut Vec<Lint>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for text in texts {
        used.extend(engine().params_in(text.content));
        // A text with errors may reference any of them.
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
    lints.extend(unused.map(|(index, input)| Lint {
        rule: "unused-input",
        field: format!("spec.inputs[{index}].name"),
        message: format!("input `{}` is not used by any step", input.name),
        hint: format!(
            "reference it as `{{{{ inputs.{} }}}}`, or remove it",
            input.name
        ),
    }));
}
