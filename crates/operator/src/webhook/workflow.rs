//! Admission of workflows.

mod validate;

pub(crate) use validate::validate;
