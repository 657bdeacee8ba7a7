//! Checks that each output of the workflow comes from exactly one step. The check of expressions covers
//! outputs with a `value`.

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
                    "declare it under `outputs` of the step that produces it, or set {}",
                    "`value: \"{{ steps.STEP.outputs.NAME }}\"`"
                );
                (
                    format!("no step produces output `{name}`"),
                    did_you_mean(name, known.map(|output| output.name.as_str()), &otherwise),
                )
            }
            [.., last] => (
                format!(
                    "output `{name}` is produced by several steps: `{}`",
                    sources.join("`, `")
                ),
                format!("select one of them, e.g. {}", produced(last)),
            ),
        };
        let field = format!("spec.outputs[{index}].name");
        problems.push(Problem::invalid(field, None, message, hint));
    }
}

/// Returns the steps that produce an output. Duplicate outputs of one step are a problem of their own.
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
