//! Whose packages are delivered: rules that name keys, and verdicts that name reasons (seed 001,
//! section 6.A).
//!
//! Only a package that an approved key signed is delivered. Who may approve keys is for whoever reads the
//! [`Policy`] to decide: it belongs to the system, not to a repository. The judge knows no clock, no network
//! and no kind of repository: the same evidence has the same verdict everywhere.

mod glob;
mod judge;
mod read;
mod reason;

use jiff::Timestamp;

use crate::digest::Digest;
use crate::repository::{Around, oci};
use crate::signature::{PublicKey, Signature, Statement};

pub use glob::Glob;
pub use read::PolicyError;
pub(crate) use reason::sentence;
pub use reason::{Part, Reason, other_document};

/// Whose signatures count, for what.
///
/// The default is no rule at all, enforced: nothing is delivered until somebody approves a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What happens to a package that nobody approved signed.
    pub mode: Mode,
    /// The rules. The first that matches a package decides, whatever the later ones say.
    pub rules: Vec<Rule>,
}

/// What happens to a package that nobody approved signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is delivered, with the same reasons as a warning.
    Warn,
}

/// Who may sign some packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Ids of the repositories that it is for.
    pub repositories: Vec<Glob>,
    /// Names of the packages that it is for. An index has the name [`index::NAME`](crate::index::NAME).
    pub names: Vec<Glob>,
    /// How many of the keys have to sign.
    pub threshold: usize,
    /// The keys.
    pub keys: Vec<Key>,
}

/// A key that somebody approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is called here.
    pub name: String,
    /// The key.
    pub public: PublicKey,
    /// It counts from then on.
    pub not_before: Option<Timestamp>,
    /// It does not count from then on. A signature has no time that can be trusted, so that of an old key
    /// does not outlive it: sign again with the new one while both count.
    pub not_after: Option<Timestamp>,
    /// Why it does not count any more, whatever the time. A key that is revoked in one rule counts in none.
    pub revoked: Option<String>,
}

/// What is known of a package, all of it computed from bytes that are here.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// Id of the repository that it comes from.
    pub repository: &'e str,
    /// What the package is: the statement that a good signature would make. Its digests are of bytes that
    /// were fetched, or that the caller checks before it uses them.
    pub statement: &'e Statement,
    /// The manifest around it, in an OCI registry.
    pub manifest: Option<Manifest>,
    /// The signatures that came with it.
    pub signatures: &'e [Signature],
    /// When it is judged.
    pub now: Timestamp,
}

/// The manifest of an OCI registry, for signatures that sign only its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of the manifest, computed from its bytes.
    pub digest: Digest,
    /// Whether that manifest names by digest the content, the configuration and the document of the
    /// statement, and the configuration says the same type, name, version and packaging. Where it is false,
    /// the signature could be one of another package, and does not count.
    pub names_package: bool,
}

impl Manifest {
    /// What a manifest says of a package, by its bytes.
    #[must_use]
    pub fn of(around: &Around, statement: &Statement) -> Self {
        Self {
            digest: around.digest,
            names_package: oci::names_package(&around.bytes, statement),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enough approved keys signed it.
    Trusted {
        /// Names of the keys, in the order of the rule.
        by: Vec<String>,
        /// What is wrong with other signatures.
        warnings: Vec<Reason>,
    },
    /// They did not, and the policy only warns.
    Tolerated {
        /// Why it is not trusted; never empty.
        reasons: Vec<Reason>,
    },
    /// They did not.
    Refused {
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// Whether the package may be used.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Whether approved keys signed it.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }

    /// Names of the keys that signed it, where it is trusted.
    #[must_use]
    pub fn by(&self) -> &[String] {
        match self {
            Self::Trusted { by, .. } => by,
            Self::Tolerated { .. } | Self::Refused { .. } => &[],
        }
    }

    /// What is to be told: warnings of a package that is delivered, reasons of one that is not.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Trusted { warnings, .. } => warnings,
            Self::Tolerated { reasons } | Self::Refused { reasons } => reasons,
        }
    }

    /// Its name in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trusted { .. } => "trusted",
            Self::Tolerated { .. } => "tolerated",
            Self::Refused { .. } => "refused",
        }
    }
}
