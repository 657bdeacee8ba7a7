//! Simulation of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{container, tasks};

/// Simulates a container: Tekton substitutes parameters, then the kubelet expands variables, each once.
pub(crate) struct Run<'p> {
    task: &'p Value,
    /// Variables of the container.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Values of parameters, chosen to break the surrounding text.
fn param(value: &str) -> String {
    value
        .replace("$(params.in)", "IN$")
        .replace("$(params.code-url)", "URL$(")
        .replace("$(tasks.first.results.out)", "OUT)")
}

impl<'p> Run<'p> {
    pub(crate) fn of(pipeline: &'p Value) -> Self {
        let task = tasks(pipeline)
            .iter()
            .find(|task| task["name"] == "second")
            .expect("the step");
        let mut run = Self {
            task,
            variables: BTreeMap::new(),
        };
        for variable in container(pipeline, "second")["env"]
            .as_array()
            .expect("env")
        {
            let name = variable["name"].as_str().expect("a name").to_owned();
            let value = match variable.get("valueFrom") {
                Some(source) => format!(
                    "<$({})$$>",
                    source["secretKeyRef"]["key"].as_str().expect("a key")
                ),
                None => run.sees(variable["value"].as_str().expect("a value")),
            };
            run.variables.insert(name, value);
        }
        run
    }

    pub(crate) fn sees(&self, text: &str) -> String {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for param_value in self.task["params"].as_array().into_iter().flatten() {
            let name = param_value["name"].as_str().expect("a name");
            pairs.push((
                format!("$(params.{name})"),
                param(param_value["value"].as_str().expect("a value")),
            ));
        }
        let mut filled = String::new();
        let mut rest = text;
        'text: while !rest.is_empty() {
            for (reference, value) in &pairs {
                if let Some(after) = rest.strip_prefix(reference.as_str()) {
                    filled.push_str(value);
                    rest = after;
                    continue 'text;
                }
            }
            let length = rest.chars().next().map_or(0, char::len_utf8);
            filled.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        expand(&filled, &self.variables)
    }
}

/// The kubelet's expansion (Kubernetes API reference, `EnvVar.value`).
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut cursor, mut kept) = (0, 0);
    while cursor + 1 < bytes.len() {
        if bytes[cursor] != b'$' {
            cursor += 1;
            continue;
        }
        out.push_str(&text[kept..cursor]);
        match (bytes[cursor + 1], text[cursor..].find(')')) {
            (b'$', _) => {
                out.push('$');
                cursor += 2;
            }
            (b'(', Some(close)) => {
                let whole = &text[cursor..=cursor + close];
                let name = &whole[2..whole.len() - 1];
                out.push_str(variables.get(name).map_or(whole, String::as_str));
                cursor += close + 1;
            }
            _ => {
                out.push('$');
                cursor += 1;
            }
        }
        kept = cursor;
    }
    out + &text[kept..]
}
