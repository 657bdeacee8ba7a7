//! What a run is bound to. No client here.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::pipeline_run::dereference::Dereferenced;

/// What is to be done for a run.
pub(super) struct Prepared {
    /// uid of the run.
    pub(super) uid: String,
    /// Names of the projections that its Pods will refer to.
    pub(super) projections: BTreeSet<Arc<str>>,
    /// The annotation: names and generations, no values.
    pub(super) annotation: String,
}

pub(super) fn run(dereferenced: &Dereferenced) -> Prepared {
    let Dereferenced { uid, workflow } = dereferenced;
    let bindings = workflow
        .status
        .as_ref()
        .map_or(&[][..], |status| status.bindings.as_slice());
    let annotation = json!({
        "workflowGeneration": workflow.metadata.generation,
        "bindings": bindings,
    });
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

    use super::run;
    use crate::pipeline_run::dereference::Dereferenced;

    #[test]
    fn a_run_says_names_and_generations() {
        let binding = |requirement: &str| {
            json!({
                "step": "train", "requirement": requirement, "kind": "Extension", "record": "own",
                "recordGeneration": 3, "service": "s3", "secret": "ext-own-0",
            })
        };
        let workflow = json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "w", "generation": 5},
            "spec": {"steps": [{"name": "train", "image": "i"}]},
            "status": {"bindings": [binding("a"), binding("b")]},
        });
        let prepared = run(&Dereferenced {
            uid: "u".to_owned(),
            workflow: Arc::new(serde_json::from_value(workflow).unwrap()),
        });
        let annotation: Value = serde_json::from_str(&prepared.annotation).unwrap();
        assert_eq!(annotation["workflowGeneration"], 5);
        assert_eq!(annotation["bindings"], json!([binding("a"), binding("b")]));
        let projections: Vec<_> = prepared.projections.iter().map(|name| &**name).collect();
        assert_eq!(projections, ["ext-own-0"]);
    }
}
