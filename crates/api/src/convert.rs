//! Conversion of API objects to domain types: pure, total, and independent of the schema.
//!
//! An object may predate a rule of the schema, or the schema may have been replaced. So every rule that
//! the resolver or the renderer relies on is checked here again. Messages contain names only after they
//! have been validated, and never a value.

mod binding;
mod check;
mod field_error;
mod intern;
mod record;
mod requirement;

pub use binding::{BindingRequirement, binding};
pub use check::{
    BINDING_NAME_HINT, LABEL_HINT, is_binding_name, is_label, is_name_part, is_subdomain,
};
pub use field_error::FieldError;
pub use intern::{Intern, Names, Unshared};
pub use record::{record, record_with};
pub use requirement::requirement;
