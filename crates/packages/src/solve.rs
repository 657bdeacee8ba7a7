//! Which packages go together (seed 003, "Dependency Resolution"; seed 001, section 6.A).
//!
//! [`solve`] is pure: what there is to choose from was gathered before. It takes one version of each name.
//! A version that is here already is taken where it fits, then the highest one; what comes before a release
//! only where a range names such a version. The same universe has the same answer, in whatever order it was
//! gathered.
//!
//! ```
//! use extension_registry_packages::manifest::Kind;
//! use extension_registry_packages::solve::{Candidate, Origin, Universe, Wanted, solve};
//!
//! let mut universe = Universe::default();
//! let versions = ["1.9.0", "1.10.0"].map(|version| Candidate {
//!     version: version.parse().unwrap(),
//!     kind: Kind::Record,
//!     origin: Origin::Repository("team".to_owned()),
//!     dependencies: Vec::new(),
//!     requires: Vec::new(),
//!     barred: None,
//! });
//! universe.candidates.insert("mlflow".to_owned(), versions.to_vec());
//! let mut wanted = Wanted {
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
//!     solve(&[wanted], &universe).unwrap_err().to_string(),
//!     "you want mlflow `^2`, which no version fits: there is 1.9.0 and 1.10.0; \
//!      hint: mlflow 1.10.0 is the newest that suits: ask for `=1.10.0`"
//! );
//! ```

mod hint;
pub mod platform;
mod proof;
mod question;
mod report;
mod set;
mod shelf;
mod solution;
mod universe;
mod wording;

use question::{Failure, Question};
pub use report::{Deduction, Unsolvable};
use shelf::Shelves;
pub use solution::{Chosen, LeftOut, Solution};
pub use universe::{Candidate, Origin, Universe, Wanted};

/// Steps after which there is no answer: a universe can be made to have none in any time.
const STEPS: u64 = 1_000_000;

/// Chooses packages for what is wanted: all, or none.
///
/// Optional dependencies are added as far as they change nothing else. A dependency comes from what is
/// installed, the System Repository, the repository of the package that needs it, or from where a person
/// approved it.
///
/// # Errors
/// When nothing fits. The error says what does not go together, and what would help.
pub fn solve(wanted: &[Wanted], universe: &Universe) -> Result<Solution, Unsolvable> {
    let shelves = Shelves::new(universe, wanted);
    let question = Question::new(&shelves, wanted, STEPS);
    match question.answer() {
        Ok(answer) => Ok(solution::write(&question, wanted, answer)),
        Err(Failure::Proved(tree)) => Err(Unsolvable::proved(&question, wanted, &tree)),
        Err(Failure::GaveUp) => Err(Unsolvable::gave_up()),
    }
}
