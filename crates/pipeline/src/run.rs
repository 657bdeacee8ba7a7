//! Runs of generated pipelines.

use std::collections::BTreeMap;

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::diagnostic::Failure;
use serde_json::Value;

use crate::engine::{RunRequest, engine};
use crate::generate::codeset::params_of;
use crate::problem::did_you_mean;
use crate::spec::is_codeset;

/// Default size of the volume of a codeset.
pub const WORKSPACE_SIZE: &str = "1Gi";

/// Creates a run of a workflow's pipeline. Inputs are passed by name; a codeset `code` requires the URL of its
/// repository as `code`, and accepts a branch, tag or commit as `code-revision`. Each codeset gets a volume of
/// this size (a Kubernetes quantity), which is deleted with the run.
///
/// # Errors
/// Returns one error for each unknown and each missing input.
pub fn run(
    namespace: &str,
    workflow: &str,
    spec: &WorkflowSpec,
    inputs: &BTreeMap<String, String>,
    size: &str,
) -> Result<Value, Vec<Failure>> {
    let mut params = Vec::new();
    let mut codesets = Vec::new();
    let mut problems = Vec::new();
    let mut known = Vec::new();
    for input in &spec.inputs {
        let given = inputs.get(&input.name);
        known.push(input.name.clone());
        if given.is_none() && input.default.is_none() {
            let what = if is_codeset(input) {
                "URL of a Git repository"
            } else {
                "text"
            };
            let name = &input.name;
            problems.push(
                Failure::new(format!("missing input `{name}`"))
                    .hint(format!("pass --input {name}=VALUE ({what})")),
            );
        }
        if !is_codeset(input) {
            params.extend(given.map(|value| (input.name.clone(), value.clone())));
            continue;
        }
        let [url, revision] = params_of(&input.name);
        params.extend(given.map(|value| (url, value.clone())));
        let given = inputs.get(&revision);
        params.extend(given.map(|value| (revision.clone(), value.clone())));
        known.push(revision);
        codesets.push((input.name.clone(), size.to_owned()));
    }
    for name in inputs.keys().filter(|name| !known.contains(name)) {
        let names = known.iter().map(String::as_str);
        let hint = did_you_mean(
            name,
            names,
            &format!("available inputs: `{}`", known.join("`, `")),
        );
        problems.push(Failure::new(format!("unknown input `{name}`")).hint(hint));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(engine().run(&RunRequest {
        namespace: namespace.to_owned(),
        pipeline: workflow.to_owned(),
        params,
        codesets,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use extension_registry_api::workflow::WorkflowSpec;
    use extension_registry_core::diagnostic::Explain;
    use serde_json::json;

    use super::run;

    fn spec() -> WorkflowSpec {
        let spec = json!({
            "inputs": [
                {"name": "code", "type": "codeset"},
                {"name": "model"},
                {"name": "rate", "default": "0.1"},
            ],
            "steps": [],
        });
        serde_json::from_value(spec).unwrap()
    }

    fn inputs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn creates_params_and_codeset_volumes() {
        let given = inputs(&[
            ("code", "https://git/x.git"),
            ("code-revision", "main"),
            ("model", "m"),
        ]);
        let run = run("dev", "train", &spec(), &given, "2Gi").unwrap();
        assert_eq!(run["spec"]["pipelineRef"]["name"], "train");
        assert_eq!(
            run["spec"]["params"],
            json!([
                {"name": "code-url", "value": "https://git/x.git"},
                {"name": "code-revision", "value": "main"},
                {"name": "model", "value": "m"},
            ])
        );
        let claim = &run["spec"]["workspaces"][0]["volumeClaimTemplate"]["spec"];
        assert_eq!(claim["resources"]["requests"]["storage"], "2Gi");
    }

    #[test]
    fn reports_missing_and_unknown_inputs() {
        let problems = run("dev", "train", &spec(), &inputs(&[("modle", "m")]), "1Gi");
        let problems: Vec<String> = problems
            .unwrap_err()
            .iter()
            .map(Explain::explained)
            .collect();
        assert_eq!(
            problems,
            [
                "missing input `code`; hint: pass --input code=VALUE (URL of a Git repository)",
                "missing input `model`; hint: pass --input model=VALUE (text)",
                "unknown input `modle`; hint: did you mean `model`?",
            ]
        );
    }
}
