//! The door of records.

mod mutate;
mod validate;

pub(crate) use mutate::mutate;
pub(crate) use validate::validate;
