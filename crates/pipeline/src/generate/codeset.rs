//! Codeset inputs: a URL and a revision, a workspace, and a task that clones the repository into
//! it.

use extension_registry_api::workflow::{WorkflowInput, WorkflowSpec};
use extension_registry_core::expression::{Segment, Template};

use crate::generate::model::{Codeset, Param};
use crate::names::{LABEL, label_of, unique};
use crate::spec::is_codeset;

/// Returns the parameters of a codeset: URL and revision.
pub(crate) fn params_of(input: &str) -> [String; 2] {
    [format!("{input}-url"), format!("{input}-revision")]
}

/// Returns the input that the `name` of a codeset references.
pub(crate) fn input_of(name: &str) -> Option<String> {
    match Template::parse(name).ok()?.whole()? {
        Segment::Input { name, .. } => Some((*name).to_owned()),
        _ => None,
    }
}

/// Returns the codesets of a workflow. Their clone tasks have names that no step has.
pub(super) fn codesets(spec: &WorkflowSpec) -> Vec<Codeset> {
    let mut codesets: Vec<Codeset> = Vec::new();
    for input in spec.inputs.iter().filter(|input| is_codeset(input)) {
        let [url, revision] = params_of(&input.name);
        let task = unique(
            &label_of(&format!("clone-{}", input.name)),
            '-',
            LABEL,
            |name| {
                spec.steps.iter().any(|step| step.name == name)
                    || codesets.iter().any(|codeset| codeset.task == name)
            },
        );
        codesets.push(Codeset {
            name: input.name.clone(),
            description: input.description.clone(),
            url,
            revision,
            task,
        });
    }
    codesets
}

pub(super) fn params(input: &WorkflowInput) -> [Param; 2] {
    let [url, revision] = params_of(&input.name);
    [
        Param {
            name: url,
            description: Some(format!("URL of the Git repository for {}", input.name)),
            default: input.default.clone(),
        },
        Param {
            name: revision,
            description: Some(format!(
                "Branch, tag or commit of {}; if empty, the default branch of the repository",
                input.name
            )),
            default: Some(String::new()),
        },
    ]
}
