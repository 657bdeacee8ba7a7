//! Puts the identity of whoever writes the spec into a workflow.

use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn mutate(_context: &Context, _review: &Review) -> Answer {
    Answer::admit()
}
