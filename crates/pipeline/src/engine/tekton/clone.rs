//! The task that clones a codeset into its workspace.

use serde_json::{Value, json};

use crate::generate::model::Codeset;

/// Image with Git and a shell. The only image that the operator adds to a pipeline.
const IMAGE: &str = "alpine/git:2.49.1";

const SCRIPT: &str = include_str!("clone.sh");

/// Inputs of a run are passed to the script as environment variables only: parameters in the script would
/// be substituted without escaping (Tekton documentation, "Variable Substitutions").
pub(super) fn task(codeset: &Codeset) -> Value {
    let passed = [&codeset.url, &codeset.revision]
        .map(|name| json!({"name": name, "value": format!("$(params.{name})")}));
    let declared =
        [&codeset.url, &codeset.revision].map(|name| json!({"name": name, "type": "string"}));
    json!({
        "name": codeset.task,
        "params": passed,
        "workspaces": [{"name": codeset.name, "workspace": codeset.name}],
        "taskSpec": {
            "description": format!("Clones codeset {}.", codeset.name),
            "params": declared,
            "workspaces": [{"name": codeset.name}],
            "steps": [{
                "name": "clone",
                "image": IMAGE,
                "env": [
                    {"name": "URL", "value": format!("$(params.{})", codeset.url)},
                    {"name": "REVISION", "value": format!("$(params.{})", codeset.revision)},
                    {"name": "CHECKOUT", "value": format!("$(workspaces.{}.path)", codeset.name)},
                    // Never prompt, and accept a workspace directory that is owned by another account.
                    {"name": "GIT_TERMINAL_PROMPT", "value": "0"},
                    {"name": "GIT_CONFIG_COUNT", "value": "1"},
                    {"name": "GIT_CONFIG_KEY_0", "value": "safe.directory"},
                    {"name": "GIT_CONFIG_VALUE_0", "value": "*"},
                ],
                "script": SCRIPT,
            }],
        },
    })
}
