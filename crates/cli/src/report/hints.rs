//! Hints of the causes of an error.

use std::error::Error;
use std::io;

use extension_registry_api::convert::FieldError;
use extension_registry_core::diagnostic::{Explain, Explanation, Failure};
use extension_registry_core::expression::ExpressionError;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::version::RangeError;
use extension_registry_packages::{
    bundle, cache, catalog, config, credentials, deliver, dependencies, image, index, lock, mirror,
    package, repository, signature, solve, transport, trust, version, workspace,
};
use extension_registry_pipeline::Problem;

use crate::output;

/// Returns the hints of one cause.
pub(crate) fn hints(cause: &(dyn Error + 'static)) -> Vec<String> {
    explain(cause).map(Explain::hints).unwrap_or_default()
}

/// Casts a cause to one type of error.
type Cast = for<'c> fn(&'c (dyn Error + 'static)) -> Option<&'c dyn Explain>;

/// Returns a cause as an error that has hints.
///
/// `Error` has no hints, so the types that implement [`Explain`] are listed here; `tests/structure.rs` compares the
/// list with the source of all crates.
fn explain<'c>(cause: &'c (dyn Error + 'static)) -> Option<&'c dyn Explain> {
    fn of<'c, T: Explain + Error + 'static>(
        cause: &'c (dyn Error + 'static),
    ) -> Option<&'c dyn Explain> {
        cause.downcast_ref::<T>().map(|error| error as &dyn Explain)
    }
    let types: &[Cast] = &[
        of::<Failure>,
        of::<Refusal>,
        of::<FieldError>,
        of::<Problem>,
        of::<RangeError>,
        of::<ExpressionError>,
        of::<bundle::PackError>,
        of::<bundle::UnpackError>,
        of::<cache::CacheError>,
        of::<cache::Conflict>,
        of::<catalog::FindError>,
        of::<catalog::OpenError>,
        of::<config::ConfigError>,
        of::<credentials::CredentialsError>,
        of::<deliver::DeliverError>,
        of::<dependencies::DependencyError>,
        of::<image::ImageError>,
        of::<index::IndexError>,
        of::<index::IndexStateError>,
        of::<index::NextError>,
        of::<index::OpenIndexError>,
        of::<index::Warning>,
        of::<lock::LockError>,
        of::<Box<lock::LockMismatch>>,
        of::<mirror::MirrorError>,
        of::<package::BuildError>,
        of::<repository::Error>,
        of::<signature::KeyError>,
        of::<signature::minisign::SignError>,
        of::<solve::Unsolvable>,
        of::<transport::Error>,
        of::<trust::PolicyError>,
        of::<trust::Reason>,
        of::<version::InvalidVersion>,
        of::<version::NoMatchingVersion>,
        of::<workspace::WorkspaceError>,
    ];
    types.iter().find_map(|of| of(cause))
}

/// Writes the message of an explanation after a prefix, and each hint on its own line.
pub(crate) fn write(explanation: &Explanation, out: &mut Vec<u8>, prefix: &str) -> io::Result<()> {
    let note = &explanation.0;
    output::write_line!(out, "{prefix}{note}")?;
    note.hints
        .iter()
        .try_for_each(|hint| output::hint(out, hint))
}
