//! Decides which packages are trusted: a policy of rules that name keys, and verdicts with reasons.
//!
//! Only packages signed by a trusted key are accepted. The owner of the [`Policy`] decides which keys are
//! trusted: it belongs to the system, not to a repository. Evaluation depends on neither clock, network nor
//! kind of repository: the same evidence always gives the same verdict.

mod glob;
mod judge;
mod read;
mod reason;

use jiff::Timestamp;

use crate::signature::{PublicKey, Signature, Statement};
use extension_registry_package_format::digest::Digest;

pub use glob::Glob;
pub use read::PolicyError;
pub use reason::{Part, Reason, hints, other_document, sentence};

/// Name of the index of a repository in trust rules, as if it were a package.
pub const INDEX_NAME: &str = "extension-index";

/// Which signatures are trusted, for which packages.
///
/// The default has no rules and is enforced: every package is rejected until a key is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How untrusted packages are handled.
    pub mode: Mode,
    /// The rules. The first one that matches a package decides; later ones are ignored.
    pub rules: Vec<Rule>,
}

/// How untrusted packages are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Untrusted packages are rejected.
    #[default]
    Enforce,
    /// Untrusted packages are accepted with a warning.
    Warn,
}

/// Which keys may sign which packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Repositories that the rule applies to.
    pub repositories: Vec<Glob>,
    /// Packages that the rule applies to. An index has the name [`INDEX_NAME`].
    pub names: Vec<Glob>,
    /// Number of keys that must have signed.
    pub threshold: usize,
    /// The trusted keys.
    pub keys: Vec<Key>,
}

/// A trusted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name of the key in this policy.
    pub name: String,
    /// The public key.
    pub public: PublicKey,
    /// The key is valid from this time.
    pub not_before: Option<Timestamp>,
    /// The key is invalid from this time. A signature has no trustworthy timestamp, so it expires with its key:
    /// sign again with the new key while both are valid.
    pub not_after: Option<Timestamp>,
    /// Why the key was revoked. A key that is revoked in one rule is revoked in all rules.
    pub revoked: Option<String>,
}

/// Evidence about a package, all of it computed from local bytes.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// Repository that it comes from.
    pub repository: &'e str,
    /// Statement that a valid signature must cover. Its digests are computed from downloaded bytes, or checked
    /// by the caller before use.
    pub statement: &'e Statement,
    /// Manifest of the package in an OCI registry.
    pub manifest: Option<Manifest>,
    /// Signatures of the package.
    pub signatures: &'e [Signature],
    /// Time of the evaluation.
    pub now: Timestamp,
}

/// Manifest in an OCI registry, for signatures that cover only its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of the manifest, computed from its bytes.
    pub digest: Digest,
    /// Whether the manifest names the digests of the content, the configuration and the document of the
    /// statement, and the configuration has the same type, name, version and packaging. If it does not, the
    /// signature may be for another package and is ignored.
    pub names_package: bool,
}

/// Result of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enough trusted keys signed it.
    Trusted {
        /// Names of the keys, in the order of the rule.
        by: Vec<String>,
        /// Problems with other signatures.
        warnings: Vec<Reason>,
    },
    /// It is not trusted, but the policy only warns.
    Tolerated {
        /// Why it is not trusted; never empty.
        reasons: Vec<Reason>,
    },
    /// It is not trusted.
    Refused {
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// Returns whether the package may be used.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Returns whether enough trusted keys signed it.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }

    /// Returns the names of the keys that signed it, if it is trusted.
    #[must_use]
    pub fn by(&self) -> &[String] {
        match self {
            Self::Trusted { by, .. } => by,
            Self::Tolerated { .. } | Self::Refused { .. } => &[],
        }
    }

    /// Returns the warnings of a trusted package, or the reasons why it is not trusted.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Trusted { warnings, .. } => warnings,
            Self::Tolerated { reasons } | Self::Refused { reasons } => reasons,
        }
    }

    /// Returns its name in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trusted { .. } => "trusted",
            Self::Tolerated { .. } => "tolerated",
            Self::Refused { .. } => "refused",
        }
    }
}
