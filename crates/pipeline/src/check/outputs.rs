//! Outputs of the workflow: each comes from one step. Of one that names its source, the check of
//! expressions looks at that.

use extension_registry_api::workflow::WorkflowSpec;

use crate::problem::{Problem, did_you_mean};

pub(super) fn check(spec: &WorkflowSpec, problems: &mut Vec<Problem>) {
    let outputs = spec.outputs.iter().enumerate();
    for (index, output) in outputs.filter(|(_, output)| output.value.is_none()) {
        let name = &output.name;
        let produced = |step: &str| format!("`value: \"{{{{ steps.{step}.outputs.{name} }}}}\"`");
        let sources = sources(spec, name);
        let (message, hint) = match sources.as_slice() {
            [_] => continue,
            [] => {
                let known = spec.steps.iter().flat_map(|step| &step.outputs);
                let otherwise = format!(
                    "declare it under `outputs` of the step that writes it, or say {}",
                    "`value: \"{{ steps.STEP.outputs.NAME }}\"`"
                );
                (
                    format!("no step has an output `{name}`"),
                    did_you_mean(name, known.map(|output| output.name.as_str()), &otherwise),
                )
            }
            [.., last] => (
                format!(
                    "steps `{}` each have an output `{name}`",
                    sources.join("`, `")
                ),
                format!("say which one is meant: {}", produced(last)),
            ),
        };
        let field = format!("spec.outputs[{index}].name");
        problems.push(Problem::invalid(field, None, message, hint));
    }
}

/// The steps that produce an output. One that stands there twice, under one name, is a problem of its own.
fn sources<'s>(spec: &'s WorkflowSpec, output: &str) -> Vec<&'s str> {
    let mut sources: Vec<&str> = spec
        .steps
        .iter()
        .filter(|step| step.outputs.iter().any(|known| known.name == output))
        .map(|step| step.name.as_str())
        .collect();
    sources.dedup();
    sources
}
