//! Resolves dependencies: which versions of packages are compatible.
//!
//! [`solve`] is pure: all candidates were gathered before. It selects one version of each name. An installed
//! version is preferred where it matches, then the highest one; a pre-release is selected only if a range names
//! one. The result is deterministic and does not depend on the order of the candidates.
//!
//! ```
//! use extension_registry_core::diagnostic::Explain;
//! use extension_registry_package_format::manifest::Kind;
//! use extension_registry_package_solve::{Candidate, Origin, RequestedPackage, Universe, solve};
//!
//! let mut universe = Universe::default();
//! let versions = ["1.9.0", "1.10.0"].map(|version| Candidate {
//!     version: version.parse().unwrap(),
//!     kind: Kind::Record,
//!     origin: Origin::Repository("team".to_owned()),
//!     dependencies: Vec::new(),
//!     requires: Vec::new(),
//!     rejection: None,
//! });
//! universe.candidates.insert("mlflow".to_owned(), versions.to_vec());
//! let mut wanted = RequestedPackage {
//!     name: "mlflow".to_owned(),
//!     range: "^1".parse().unwrap(),
//!     kind: None,
//!     repository: None,
//! };
//! let solution = solve(std::slice::from_ref(&wanted), &universe).unwrap();
//! assert_eq!(solution.chosen[0].version.to_string(), "1.10.0");
//!
//! wanted.range = "^2".parse().unwrap();
//! assert_eq!(
//!     solve(&[wanted], &universe).unwrap_err().explained(),
//!     "you requested mlflow `^2`, but no version matches; available: 1.9.0 and 1.10.0; \
//!      hint: request mlflow `=1.10.0`, the newest compatible version"
//! );
//! ```

mod hint;
mod locked;
pub mod platform;
mod proof;
mod query;
mod report;
mod set;
mod solution;
mod universe;
mod version_map;
mod wording;

pub use locked::Difference;
use query::{Failure, Query};
pub use report::{Deduction, Unsolvable};
pub use solution::{Chosen, SkippedPackage, Solution};
pub use universe::{Candidate, Origin, RequestedPackage, Universe};
use version_map::VersionMap;

/// Step limit: a universe can be crafted that takes exponential time.
const STEPS: u64 = 1_000_000;

/// Selects packages that satisfy all requests, or none.
///
/// Optional dependencies are added only if they do not change the rest of the solution. A dependency comes from
/// what is installed, the System Repository, the repository of the dependent package, or a repository that was
/// approved for it.
///
/// # Errors
/// Returns an error if there is no solution. It explains the conflict and suggests ways out.
pub fn solve(wanted: &[RequestedPackage], universe: &Universe) -> Result<Solution, Unsolvable> {
    let map = VersionMap::new(universe, wanted);
    let query = Query::new(&map, wanted, STEPS);
    match query.answer() {
        Ok(answer) => Ok(solution::write(&query, wanted, answer)),
        Err(Failure::Proved(tree)) => Err(Unsolvable::proved(&query, wanted, &tree)),
        Err(Failure::StepLimit) => Err(Unsolvable::step_limit()),
    }
}
