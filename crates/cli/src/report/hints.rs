//! Hints of the causes of an error.

use std::error::Error;

use extension_registry_api::convert::FieldError;
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_core::expression::ExpressionError;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::version::RangeError;
use extension_registry_pipeline::Problem;

/// Returns the hints of one cause.
///
/// `Error` has no hints, so the types that implement [`Explain`] are listed here; a test compares the list with the
/// source of all crates.
pub(crate) fn hints(cause: &(dyn Error + 'static)) -> Vec<String> {
    fn of<T: Explain + Error + 'static>(cause: &(dyn Error + 'static)) -> Option<Vec<String>> {
        cause.downcast_ref::<T>().map(Explain::hints)
    }
    let types = [
        of::<Failure>,
        of::<Refusal>,
        of::<FieldError>,
        of::<Problem>,
        of::<RangeError>,
        of::<ExpressionError>,
    ];
    types
        .iter()
        .find_map(|hints| hints(cause))
        .unwrap_or_default()
}
