//! Refuses a record that can never be used.

use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn validate(_context: &Context, _review: &Review) -> Answer {
    Answer::admit()
}
