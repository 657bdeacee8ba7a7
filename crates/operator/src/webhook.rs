//! The admission webhook: what stands at the door of our own kinds.
//!
//! [`router`] has the whole map of paths. A handler gets a [`Review`] and gives an [`Answer`]; one
//! file for each kind and phase. A mutating handler may change the object, a validating one only
//! refuses. Everything that needs no server is a policy of the chart instead.

mod answer;
mod body;
mod lists;
mod record;
mod review;
mod router;
mod workflow;

pub(crate) use answer::Answer;
pub(crate) use review::Review;
pub(crate) use router::router;
