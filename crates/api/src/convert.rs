//! From the wire form to the domain's: pure, total, and without trust in the schema.
//!
//! An object can have been stored before a rule of the schema existed, or by somebody who replaced
//! the schema. So every rule that the resolver or the renderer relies on is checked here again.
//! Messages hold names only where they have been found to be names, and never a value.

mod check;
mod intern;
mod problem;
mod record;
mod requirement;

pub use check::{LABEL_HINT, is_label, is_subdomain};
pub use intern::{Intern, Names, Unshared};
pub use problem::FieldProblem;
pub use record::{record, record_with};
pub use requirement::requirement;
