//! Checks expressions: syntax, place and referenced objects.

use extension_registry_api::requirement::RequirementSpec;
use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::refusal::{Reason, Refusal};

use crate::check::order::Order;
use crate::check::texts::{Allowed, Text, texts};
use crate::problem::{Problem, did_you_mean, unknown_requirement};
use crate::spec::{find_input, find_step, is_codeset};

pub(super) fn check(spec: &WorkflowSpec, order: &Order, problems: &mut Vec<Problem>) {
    for text in texts(spec) {
        let checker = Checker {
            spec,
            order,
            text: &text,
        };
        let refusals = match Template::parse(text.content) {
            Ok(template) => checker.template(&template),
            Err(errors) => errors
                .into_iter()
                .map(|error| {
                    let message = format!("column {}: {}", error.column, error.message);
                    Refusal::new(Reason::Invalid, message, error.hint.unwrap_or_default())
                })
                .collect(),
        };
        let step = text
            .step
            .and_then(|index| spec.steps.get(index))
            .map(|step| step.name.as_str());
        problems.extend(
            refusals
                .into_iter()
                .map(|refusal| Problem::new(&text.field, step, refusal)),
        );
    }
}

struct Checker<'c> {
    spec: &'c WorkflowSpec,
    order: &'c Order,
    text: &'c Text<'c>,
}

impl Checker<'_> {
    fn template(&self, template: &Template<'_>) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = template
            .segments
            .iter()
            .filter_map(|segment| self.segment(segment).err())
            .collect();
        if !refusals.is_empty() {
            return refusals;
        }
        let missing = match (self.text.allowed, template.whole()) {
            (Allowed::Codeset, Some(Segment::Input { .. }))
            | (Allowed::Output, Some(Segment::Output { .. })) => None,
            (Allowed::Codeset, _) => Some((
                "the name of a codeset must be a single expression",
                self.codeset_hint(),
            )),
            (Allowed::Output, _) => Some((
                "the value of an output must be a single expression",
                "use `{{ steps.STEP.outputs.NAME }}`".to_owned(),
            )),
            _ => None,
        };
        refusals
            .extend(missing.map(|(message, hint)| Refusal::new(Reason::Invalid, message, hint)));
        refusals
    }

    fn codeset_hint(&self) -> String {
        let written = self.text.content.trim();
        match find_input(self.spec, written) {
            Some(_) => format!("use `{{{{ inputs.{written} }}}}`"),
            None => {
                "use `{{ inputs.NAME }}` with the name of an input of type `codeset`".to_owned()
            }
        }
    }

    fn segment(&self, segment: &Segment<'_>) -> Result<(), Refusal> {
        match *segment {
            Segment::Text(_) => Ok(()),
            Segment::Extension {
                requirement,
                column,
                ..
            } => {
                self.place(
                    matches!(self.text.allowed, Allowed::All),
                    "extension",
                    column,
                )?;
                self.requirement(requirement, column)
            }
            Segment::Input { name, column } => {
                let allowed = matches!(
                    self.text.allowed,
                    Allowed::All | Allowed::Engine | Allowed::Codeset
                );
                self.place(allowed, "inputs", column)?;
                self.input(name, column)
            }
            Segment::Output {
                step,
                output,
                column,
            } => {
                let allowed = matches!(
                    self.text.allowed,
                    Allowed::All | Allowed::Engine | Allowed::Output
                );
                self.place(allowed, "steps", column)?;
                self.output(step, output, column)
            }
        }
    }

    fn place(&self, is_allowed: bool, what: &str, column: usize) -> Result<(), Refusal> {
        if is_allowed {
            return Ok(());
        }
        let (place, hint) = match self.text.allowed {
            Allowed::Nothing("`command`") => ("`command`", "use `args` or `env`"),
            Allowed::Nothing(place) => (place, "use literal text"),
            Allowed::Engine => (
                "`image`",
                "use `{{ inputs.NAME }}` or `{{ steps.STEP.outputs.NAME }}`",
            ),
            Allowed::Codeset => ("the name of a codeset", "use `{{ inputs.NAME }}`"),
            Allowed::Output => (
                "the value of an output",
                "use `{{ steps.STEP.outputs.NAME }}`",
            ),
            Allowed::All => ("this field", ""),
        };
        let message = format!("column {column}: `{what}` expressions are not allowed in {place}");
        Err(Refusal::new(Reason::Invalid, message, hint))
    }

    fn requirement(&self, name: &str, column: usize) -> Result<(), Refusal> {
        let step = self.text.step.and_then(|index| self.spec.steps.get(index));
        let known = || {
            step.iter()
                .flat_map(|step| &step.extensions)
                .map(requirement_name)
        };
        if known().any(|known| known == name) {
            return Ok(());
        }
        Err(unknown_requirement(
            column,
            name,
            step.into_iter()
                .flat_map(|step| &step.extensions)
                .map(requirement_name),
        ))
    }

    fn input(&self, name: &str, column: usize) -> Result<(), Refusal> {
        let Some(input) = find_input(self.spec, name) else {
            let known = self.spec.inputs.iter().map(|input| input.name.as_str());
            return Err(Refusal::new(
                Reason::Invalid,
                format!("column {column}: unknown input `{name}`"),
                did_you_mean(name, known, "declare it under `spec.inputs`"),
            ));
        };
        if self.text.allowed == Allowed::Codeset && !is_codeset(input) {
            return Err(Refusal::new(
                Reason::Invalid,
                format!("column {column}: input `{name}` is not a codeset"),
                format!("set `type: codeset` for input `{name}`"),
            ));
        }
        Ok(())
    }

    fn output(&self, name: &str, output: &str, column: usize) -> Result<(), Refusal> {
        let invalid = |message: String, hint: String| {
            Refusal::new(Reason::Invalid, format!("column {column}: {message}"), hint)
        };
        let Some((index, step)) = find_step(self.spec, name) else {
            let known = self.spec.steps.iter().map(|step| step.name.as_str());
            let hint = did_you_mean(name, known, "use the name of a step of this workflow");
            return Err(invalid(format!("unknown step `{name}`"), hint));
        };
        if !step.outputs.iter().any(|known| known.name == output) {
            let known = step.outputs.iter().map(|output| output.name.as_str());
            let hint = did_you_mean(output, known, "declare it under `outputs` of that step");
            return Err(invalid(
                format!("unknown output `{output}` of step `{name}`"),
                hint,
            ));
        }
        match self.text.step {
            Some(reader) if reader == index => Err(invalid(
                "a step cannot read its own output".to_owned(),
                "read it in a later step".to_owned(),
            )),
            Some(reader) if !self.order.is_before(index, reader) => Err(invalid(
                format!("step `{name}` may still be running when this step starts"),
                format!("add `{name}` to `runAfter` of this step, or move this step after it"),
            )),
            _ => Ok(()),
        }
    }
}

fn requirement_name(requirement: &RequirementSpec) -> &str {
    &requirement.name
}
