//! A run of a generated pipeline, from the inputs that somebody gives.

use std::collections::BTreeMap;

use extension_registry_api::workflow::WorkflowSpec;
use serde_json::{Value, json};

use crate::check::is_codeset;
use crate::generate::codeset::params_of;
use crate::problem::did_you_mean;

/// Space for a codeset where nothing else is asked for.
pub const WORKSPACE_SIZE: &str = "1Gi";

/// The run of a workflow's pipeline. Inputs go by their names; a codeset `code` takes the address of its
/// repository as `code`, and a branch, tag or commit as `code-revision`. Each codeset gets a volume of
/// its own, of the size given (a quantity of Kubernetes), that goes with the run.
///
/// # Errors
/// One text for each input that is unknown, and for each that is missing.
pub fn run(
    namespace: &str,
    workflow: &str,
    spec: &WorkflowSpec,
    inputs: &BTreeMap<String, String>,
    size: &str,
) -> Result<Value, Vec<String>> {
    let mut params = Vec::new();
    let mut workspaces = Vec::new();
    let mut problems = Vec::new();
    let mut known = Vec::new();
    for input in &spec.inputs {
        let given = inputs.get(&input.name);
        known.push(input.name.clone());
        if given.is_none() && input.default.is_none() {
            let what = if is_codeset(input) {
                "the address of a git repository"
            } else {
                "a text"
            };
            problems.push(format!(
                "input `{name}` is missing; hint: --input {name}=VALUE, {what}",
                name = input.name
            ));
        }
        if !is_codeset(input) {
            params.extend(given.map(|value| json!({"name": input.name, "value": value})));
            continue;
        }
        let [url, revision] = params_of(&input.name);
        params.extend(given.map(|value| json!({"name": url, "value": value})));
        params.extend(
            inputs
                .get(&revision)
                .map(|value| json!({"name": revision, "value": value})),
        );
        known.push(revision);
        workspaces.push(json!({
            "name": input.name,
            "volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": size}},
            }},
        }));
    }
    for name in inputs.keys().filter(|name| !known.contains(name)) {
        let names = known.iter().map(String::as_str);
        let hint = did_you_mean(name, names, &format!("it has `{}`", known.join("`, `")));
        problems.push(format!("the workflow has no input `{name}`; hint: {hint}"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut spec = json!({"pipelineRef": {"name": workflow}});
    if !params.is_empty() {
        spec["params"] = params.into();
    }
    if !workspaces.is_empty() {
        spec["workspaces"] = workspaces.into();
    }
    Ok(json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": format!("{workflow}-"), "namespace": namespace},
        "spec": spec,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use extension_registry_api::workflow::WorkflowSpec;
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
    fn what_is_given_becomes_params_and_a_codeset_gets_a_volume() {
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
    fn what_is_missing_and_what_is_unknown_is_named() {
        let problems = run("dev", "train", &spec(), &inputs(&[("modle", "m")]), "1Gi");
        assert_eq!(
            problems.unwrap_err(),
            [
                "input `code` is missing; hint: --input code=VALUE, the address of a git repository",
                "input `model` is missing; hint: --input model=VALUE, a text",
                "the workflow has no input `modle`; hint: did you mean `model`?",
            ]
        );
    }
}
