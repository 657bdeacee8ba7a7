//! Runs of Pipelines (Tekton documentation, "`PipelineRuns`").

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::engine::{EngineResource, RunProgress, RunRequest, RunState};

/// Returns the object of a run.
pub(super) fn object(runs: &EngineResource, run: &RunRequest) -> Value {
    let mut spec = json!({"pipelineRef": {"name": run.pipeline}});
    if !run.params.is_empty() {
        let param = |(name, value): &(String, String)| json!({"name": name, "value": value});
        spec["params"] = run.params.iter().map(param).collect();
    }
    if !run.codesets.is_empty() {
        spec["workspaces"] = run.codesets.iter().map(workspace).collect();
    }
    json!({
        "apiVersion": runs.api_version(),
        "kind": runs.kind,
        "metadata": {"generateName": format!("{}-", run.pipeline), "namespace": run.namespace},
        "spec": spec,
    })
}

/// Returns the workspace of a codeset.
fn workspace((name, size): &(String, String)) -> Value {
    json!({
        "name": name,
        "volumeClaimTemplate": {"spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        }},
    })
}

/// Returns the pipeline that a run refers to. A resolver may refer to it without a name.
pub(super) fn pipeline(run: &Value) -> Option<&str> {
    run.pointer("/spec/pipelineRef/name")?.as_str()
}

/// Returns whether a run has ended: Tekton then sets the completion time.
pub(super) fn has_ended(run: &Value) -> bool {
    let time = run.pointer("/status/completionTime");
    time.is_some_and(|time| !time.is_null())
}

/// Returns the progress of a run, from its condition `Succeeded`.
pub(super) fn progress(run: &Value) -> RunProgress {
    let conditions = run.pointer("/status/conditions").and_then(Value::as_array);
    let condition = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Succeeded");
    let text = |field: &str| condition.and_then(|condition| condition[field].as_str());
    RunProgress {
        state: match text("status") {
            Some("True") => RunState::Succeeded,
            Some("False") => RunState::Failed,
            _ => RunState::Running,
        },
        reason: text("reason").map(str::to_owned),
        message: text("message").map(str::to_owned),
    }
}

/// Returns the results of a run by name. A result may be an array or an object.
pub(super) fn results(run: &Value) -> BTreeMap<String, String> {
    let results = run.pointer("/status/results").and_then(Value::as_array);
    results
        .into_iter()
        .flatten()
        .filter_map(|result| {
            let value = match &result["value"] {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            Some((result["name"].as_str()?.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{has_ended, pipeline, progress, results};
    use crate::engine::{RunProgress, RunState};

    fn with_condition(condition: &Value) -> Value {
        json!({"status": {"conditions": [{"type": "Other", "status": "True"}, condition]}})
    }

    #[test]
    fn progress_follows_condition_succeeded() {
        for (status, state) in [
            ("True", RunState::Succeeded),
            ("False", RunState::Failed),
            ("Unknown", RunState::Running),
        ] {
            let run = with_condition(&json!({
                "type": "Succeeded", "status": status, "reason": "R", "message": "m",
            }));
            let expected = RunProgress {
                state,
                reason: Some("R".to_owned()),
                message: Some("m".to_owned()),
            };
            assert_eq!(progress(&run), expected, "{status}");
        }
    }

    #[test]
    fn run_without_condition_is_running() {
        let expected = RunProgress {
            state: RunState::Running,
            reason: None,
            message: None,
        };
        for run in [
            json!({}),
            json!({"status": {"conditions": null}}),
            with_condition(&json!({"type": "Succeeded"})),
        ] {
            assert_eq!(progress(&run), expected, "{run}");
        }
    }

    #[test]
    fn results_that_are_not_text_are_json() {
        let run = json!({"status": {"results": [
            {"name": "url", "value": "http://model"},
            {"name": "all", "value": ["a", "b"]},
            {"value": "nameless"},
        ]}});
        let expected = [("all", r#"["a","b"]"#), ("url", "http://model")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(results(&run), expected.into());
        assert!(results(&json!({})).is_empty());
    }

    #[test]
    fn run_has_ended_with_a_completion_time() {
        assert!(has_ended(
            &json!({"status": {"completionTime": "2026-01-01T00:00:00Z"}})
        ));
        for run in [json!({}), json!({"status": {"completionTime": null}})] {
            assert!(!has_ended(&run), "{run}");
        }
    }

    #[test]
    fn run_refers_to_a_pipeline_by_name() {
        let by_name = json!({"spec": {"pipelineRef": {"name": "train"}}});
        assert_eq!(pipeline(&by_name), Some("train"));
        for run in [
            json!({}),
            json!({"spec": {"pipelineSpec": {}}}),
            json!({"spec": {"pipelineRef": {"resolver": "git"}}}),
        ] {
            assert_eq!(pipeline(&run), None, "{run}");
        }
    }
}
