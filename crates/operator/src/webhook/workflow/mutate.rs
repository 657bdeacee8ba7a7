//! Puts the identity of whoever writes the spec into a workflow.

use extension_registry_api::IDENTITY_ANNOTATION;

use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn mutate(_context: &Context, review: &Review) -> Answer {
    let mut object = review.object.clone();
    let annotations = object.metadata.annotations.get_or_insert_default();
    annotations.insert(IDENTITY_ANNOTATION.to_owned(), "{}".to_owned());
    Answer::change(object)
}
