//! Admission of records.

mod inline;
mod mutate;
mod references;
mod validate;

pub(crate) use mutate::mutate;
pub(crate) use validate::validate;
