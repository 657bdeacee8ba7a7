//! Moves credentials that are written into a record out of it.

use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn mutate(_context: &Context, _review: &Review) -> Answer {
    Answer::admit()
}
