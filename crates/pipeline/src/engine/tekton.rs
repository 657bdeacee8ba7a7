//! Tekton Pipelines, `tekton.dev/v1` (Tekton documentation, "Pipelines", "Tasks", "Variable Substitutions").

mod clone;
mod run;

use std::collections::BTreeMap;

use extension_registry_api::{MANAGED_BY, MANAGED_BY_LABEL};
use extension_registry_core::refusal::{Reason, Refusal};
use serde_json::{Map, Value, json};

use crate::engine::{Engine, EngineResource, RunProgress, RunRequest};
use crate::generate::model::{Model, Param, Task};
use crate::patch::{Mount, Site};

/// Tekton Pipelines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tekton;

/// Tekton names the container of a step `step-NAME`, which must be a DNS label.
const MAX_STEP_NAME: usize = crate::names::LABEL - "step-".len();

/// API group and version.
const GROUP: &str = "tekton.dev";
const VERSION: &str = "v1";

impl Tekton {
    /// The kind of pipelines.
    pub const PIPELINES: EngineResource = EngineResource {
        group: GROUP,
        version: VERSION,
        kind: "Pipeline",
        plural: "pipelines",
    };

    /// The kind of runs.
    pub const RUNS: EngineResource = EngineResource {
        group: GROUP,
        version: VERSION,
        kind: "PipelineRun",
        plural: "pipelineruns",
    };
}

impl Engine for Tekton {
    fn pipelines(&self) -> EngineResource {
        Self::PIPELINES
    }

    fn runs(&self) -> EngineResource {
        Self::RUNS
    }

    fn missing(&self) -> Refusal {
        Refusal::new(
            Reason::EngineMissing,
            "Tekton Pipelines is not installed (CRD pipelines.tekton.dev not found)",
            "install Tekton Pipelines",
        )
    }

    fn run(&self, run: &RunRequest) -> Value {
        run::object(&Self::RUNS, run)
    }

    fn pipeline_of<'r>(&self, run: &'r Value) -> Option<&'r str> {
        run::pipeline(run)
    }

    fn has_ended(&self, run: &Value) -> bool {
        run::has_ended(run)
    }

    fn progress(&self, run: &Value) -> RunProgress {
        run::progress(run)
    }

    fn results(&self, run: &Value) -> BTreeMap<String, String> {
        run::results(run)
    }

    /// `$$(…)` is an escape.
    fn params_in<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let opening = "$(params.";
        text.match_indices(opening)
            .filter(|(at, _)| !text[..*at].ends_with('$'))
            .filter_map(|(at, _)| {
                let (name, _) = text[at + opening.len()..].split_once(')')?;
                name.split(['.', '[']).next()
            })
            .collect()
    }

    /// Names of parameters may not begin with a digit.
    fn param_name(&self, preferred: &str) -> String {
        let first = preferred.bytes().next();
        if first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            preferred.to_owned()
        } else {
            format!("step-{preferred}")
        }
    }

    fn param(&self, name: &str) -> String {
        format!("$(params.{name})")
    }

    fn output(&self, task: &str, output: &str) -> String {
        format!("$(tasks.{task}.results.{output})")
    }

    /// Always sets all fields of `spec`: the pipeline is updated by server-side apply, which would keep
    /// the previous content of omitted fields.
    fn pipeline(&self, model: &Model) -> Value {
        let codesets = model.codesets.iter().map(clone::task);
        let steps = model.tasks.iter().map(task);
        let workspaces: Vec<Value> = model
            .codesets
            .iter()
            .map(|codeset| {
                let mut workspace = object(json!({"name": codeset.name}));
                describe(&mut workspace, codeset.description.as_deref());
                Value::Object(workspace)
            })
            .collect();
        let results: Vec<Value> = model
            .results
            .iter()
            .map(|result| {
                let mut value =
                    object(json!({"name": result.name, "type": "string", "value": result.value}));
                describe(&mut value, result.description.as_deref());
                Value::Object(value)
            })
            .collect();
        json!({
            "apiVersion": Self::PIPELINES.api_version(),
            "kind": Self::PIPELINES.kind,
            "metadata": {
                "name": model.name,
                "namespace": model.namespace,
                "labels": {MANAGED_BY_LABEL: MANAGED_BY},
            },
            "spec": {
                "description": model.description.as_deref().unwrap_or_default(),
                "params": model.params.iter().map(param).collect::<Vec<_>>(),
                "workspaces": workspaces,
                "results": results,
                "tasks": codesets.chain(steps).collect::<Vec<_>>(),
            },
        })
    }

    /// Tekton copies labels of a Pipeline to its runs, and from there to their Pods.
    fn label_pods(&self, pipeline: &mut Value, name: &str, value: &str) {
        pipeline["metadata"]["labels"][name] = json!(value);
    }

    fn visit(&self, pipeline: &mut Value, visit: &mut dyn FnMut(&str, &mut Site<'_>)) {
        let tasks = pipeline
            .pointer_mut("/spec/tasks")
            .and_then(Value::as_array_mut);
        for task in tasks.into_iter().flatten() {
            let name = task
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let Some(spec) = task.get_mut("taskSpec").and_then(Value::as_object_mut) else {
                continue;
            };
            let mut volumes = spec
                .get_mut("volumes")
                .and_then(Value::as_array_mut)
                .map(std::mem::take)
                .unwrap_or_default();
            let mounts: Vec<Mount> = workspace_mounts(spec);
            for container in spec
                .get_mut("steps")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let Some(container) = container.as_object_mut() else {
                    continue;
                };
                visit(
                    &name,
                    &mut Site {
                        container,
                        volumes: &mut volumes,
                        mounts: mounts.clone(),
                    },
                );
            }
            if !volumes.is_empty() {
                spec.insert("volumes".to_owned(), Value::Array(volumes));
            }
        }
    }

    /// Tekton rejects mounts below `/tekton`, except `/tekton/home`.
    fn is_reserved(&self, path: &str) -> bool {
        (path == "/tekton" || path.starts_with("/tekton/")) && !path.starts_with("/tekton/home")
    }
}

fn task(task: &Task) -> Value {
    let mut container = object(json!({
        "name": crate::names::cut(&task.name, MAX_STEP_NAME),
        "image": task.container.image,
        "env": task.container.env,
    }));
    if !task.container.command.is_empty() {
        container.insert("command".to_owned(), json!(task.container.command));
    }
    if !task.container.args.is_empty() {
        container.insert("args".to_owned(), json!(task.container.args));
    }
    if let Some(resources) = &task.container.resources {
        container.insert("computeResources".to_owned(), resources.clone());
    }
    if let Some(first) = task.codesets.first() {
        container.insert("workingDir".to_owned(), json!(first.path));
    }
    let mut spec = object(json!({"steps": [container]}));
    let passed: Vec<Value> = task
        .params
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if !passed.is_empty() {
        let declared: Vec<Value> = task
            .params
            .iter()
            .map(|(name, _)| json!({"name": name, "type": "string"}))
            .collect();
        spec.insert("params".to_owned(), json!(declared));
    }
    let workspaces: Vec<Value> = task
        .codesets
        .iter()
        .map(|codeset| json!({"name": codeset.name, "mountPath": codeset.path}))
        .collect();
    if !workspaces.is_empty() {
        spec.insert("workspaces".to_owned(), json!(workspaces));
    }
    let results: Vec<Value> = task
        .results
        .iter()
        .map(|(name, description)| {
            let mut result = object(json!({"name": name, "type": "string"}));
            describe(&mut result, description.as_deref());
            Value::Object(result)
        })
        .collect();
    if !results.is_empty() {
        spec.insert("results".to_owned(), json!(results));
    }
    let mut task_object = object(json!({"name": task.name, "taskSpec": spec}));
    if !passed.is_empty() {
        task_object.insert("params".to_owned(), json!(passed));
    }
    let bound: Vec<Value> = task
        .codesets
        .iter()
        .map(|codeset| json!({"name": codeset.name, "workspace": codeset.name}))
        .collect();
    if !bound.is_empty() {
        task_object.insert("workspaces".to_owned(), json!(bound));
    }
    if !task.run_after.is_empty() {
        task_object.insert("runAfter".to_owned(), json!(task.run_after));
    }
    Value::Object(task_object)
}

fn param(param: &Param) -> Value {
    let mut value = object(json!({"name": param.name, "type": "string"}));
    describe(&mut value, param.description.as_deref());
    if let Some(default) = &param.default {
        value.insert("default".to_owned(), json!(default));
    }
    Value::Object(value)
}

/// Returns the mounts of workspaces, by default below `/workspace`.
fn workspace_mounts(spec: &Map<String, Value>) -> Vec<Mount> {
    let workspaces = spec
        .get("workspaces")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    workspaces
        .filter_map(|workspace| {
            let name = workspace.get("name")?.as_str()?;
            let path = workspace.get("mountPath").and_then(Value::as_str);
            Some(Mount {
                path: path.map_or_else(|| format!("/workspace/{name}"), str::to_owned),
                read_only: workspace
                    .get("readOnly")
                    .and_then(Value::as_bool)
                    .unwrap_or_default(),
                name: name.to_owned(),
            })
        })
        .collect()
}

fn describe(object: &mut Map<String, Value>, description: Option<&str>) {
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        object.insert("description".to_owned(), json!(description));
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Tekton;
    use crate::engine::Engine;

    #[test]
    fn param_names_do_not_begin_with_a_digit() {
        for (preferred, name) in [("a-1", "a-1"), ("_a", "_a"), ("1-out", "step-1-out")] {
            assert_eq!(Tekton.param_name(preferred), name);
        }
    }

    #[test]
    fn labels_of_pods_are_labels_of_the_pipeline() {
        let mut pipeline = json!({"metadata": {"labels": {"a": "b"}}});
        Tekton.label_pods(&mut pipeline, "c", "d");
        assert_eq!(pipeline["metadata"]["labels"], json!({"a": "b", "c": "d"}));
    }
}
