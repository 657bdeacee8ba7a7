//! Builds the annotation of a run. Uses no client.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::pipeline_run::dereference::Dereferenced;

/// Maximum size of the bindings in the annotation, in bytes. All annotations of an object share 256 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// What to apply for a run.
pub(super) struct Prepared {
    /// uid of the run.
    pub(super) uid: String,
    /// Names of the projections whose Secrets its Pods use.
    pub(super) projections: BTreeSet<Arc<str>>,
    /// The annotation, with names and generations but no values.
    pub(super) annotation: String,
}

pub(super) fn run(dereferenced: &Dereferenced) -> Prepared {
    let Dereferenced { uid, workflow } = dereferenced;
    let bindings = workflow
        .status
        .as_ref()
        .map_or(&[][..], |status| status.bindings.as_slice());
    let mut written: Vec<Value> = Vec::with_capacity(bindings.len());
    let mut size = 0;
    for binding in bindings {
        let binding = json!(binding);
        size += binding.to_string().len();
        if size > MAX_BYTES {
            break;
        }
        written.push(binding);
    }
    let mut annotation = json!({ "workflowGeneration": workflow.metadata.generation });
    if written.len() < bindings.len() {
        annotation["omitted"] = json!(bindings.len() - written.len());
    }
    annotation["bindings"] = Value::Array(written);
    Prepared {
        uid: uid.clone(),
        projections: bindings
            .iter()
            .map(|binding| binding.secret.as_str().into())
            .collect(),
        annotation: annotation.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Prepared, run};
    use crate::pipeline_run::dereference::Dereferenced;

    fn binding(requirement: &str) -> Value {
        json!({
            "step": "train", "requirement": requirement, "kind": "Extension", "record": "own",
            "recordGeneration": 3, "service": "s3", "secret": "ext-own-0",
        })
    }

    fn prepared(bindings: &[Value]) -> Prepared {
        let workflow = json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "w", "generation": 5},
            "spec": {"steps": [{"name": "train", "image": "i"}]},
            "status": {"bindings": bindings},
        });
        run(&Dereferenced {
            uid: "u".to_owned(),
            workflow: Arc::new(serde_json::from_value(workflow).unwrap()),
        })
    }

    #[test]
    fn annotation_omits_bindings_beyond_size_limit() {
        let many: Vec<Value> = (0..2_000)
            .map(|number| binding(&format!("r{number}")))
            .collect();
        let prepared = prepared(&many);
        assert!(prepared.annotation.len() < 100 * 1024);
        let annotation: Value = serde_json::from_str(&prepared.annotation).unwrap();
        let named = annotation["bindings"].as_array().unwrap().len();
        assert_eq!(annotation["bindings"][0], many[0]);
        assert_eq!(annotation["omitted"], 2_000 - named);
    }

    #[test]
    fn annotation_lists_bindings_and_workflow_generation() {
        let prepared = prepared(&[binding("a"), binding("b")]);
        let annotation: Value = serde_json::from_str(&prepared.annotation).unwrap();
        assert_eq!(annotation["workflowGeneration"], 5);
        assert_eq!(annotation["bindings"], json!([binding("a"), binding("b")]));
        let projections: Vec<_> = prepared.projections.iter().map(|name| &**name).collect();
        assert_eq!(projections, ["ext-own-0"]);
    }
}
