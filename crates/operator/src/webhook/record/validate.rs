//! Refuses a record that can never be used. The checks are those of the store.

use extension_registry_api::ExtensionSpec;
use extension_registry_api::convert;

use super::inline;
use super::mutate::record_key;
use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn validate(context: &Context, review: &Review) -> Answer {
    // What is stored already may be labelled, released and deleted, whatever it says.
    if !review.changes_spec() {
        return Answer::admit();
    }
    let key = record_key(review);
    if let Some(refusal) = inline::kept(context, review, &key) {
        return Answer::refuse(refusal);
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // Nothing of what the decoder says is repeated: it quotes values.
    let Ok(spec) = serde_json::from_value::<ExtensionSpec>(spec) else {
        return Answer::refuse(
            "spec: does not have the shape that the CustomResourceDefinition demands; hint: is the definition in the cluster that of this operator?",
        );
    };
    match convert::record(key, 0, &spec) {
        Ok(_) => Answer::admit(),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Answer::refuse(lines.join("\n"))
        }
    }
}
