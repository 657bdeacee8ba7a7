//! Reasons why a package is not trusted. Each has a stable name for programs.

use extension_registry_core::diagnostic::Explain;
use jiff::Timestamp;

use crate::signature::Fault;
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::package;

/// A part of a package that has a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The content.
    Content,
    /// The package manifest as JSON.
    Configuration,
    /// The document.
    Document,
    /// The manifest of the package in an OCI registry.
    Manifest,
    /// An index.
    Index,
}

impl std::fmt::Display for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Content => "content",
            Self::Configuration => "configuration",
            Self::Document => "document",
            Self::Manifest => "manifest",
            Self::Index => "index",
        })
    }
}

/// Joins the messages of reasons into one sentence.
#[must_use]
pub fn sentence(reasons: &[Reason]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}

/// Returns the unique hints of reasons.
#[must_use]
pub fn hints(reasons: &[Reason]) -> Vec<String> {
    let mut hints = Vec::new();
    for hint in reasons.iter().flat_map(Explain::hints) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

/// Why a package, or one of its signatures, is not trusted.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule matches it.
    #[error("no rule of the trust policy matches {subject} from {repository}")]
    NoRule {
        /// The package or index.
        subject: String,
        /// Its repository.
        repository: String,
    },
    /// It has no signature.
    #[error("{subject} from {repository} is not signed")]
    Unsigned {
        /// The package or index.
        subject: String,
        /// Its repository.
        repository: String,
    },
    /// It was signed by a key that is not in the policy.
    #[error(
        "{}", signer(key.as_deref())
    )]
    UnknownKey {
        /// Key id that the signature claims; not authenticated.
        key: Option<String>,
    },
    /// It was signed by a key that is trusted for other packages.
    #[error("signed by key {key}, which is trusted only for other packages ({rule})")]
    WrongKey {
        /// Name of the key.
        key: String,
        /// The rule that has it: `trust.rule[1]`.
        rule: String,
    },
    /// A signature is invalid.
    #[error("invalid signature{}: {fault}", of(key.as_deref()))]
    BadSignature {
        /// Name of the key, if the signature names a trusted one.
        key: Option<String>,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The signature is valid, but for another package.
    #[error("the signature by {key} is for {signed}, but this is {found}")]
    OtherPackage {
        /// Name of the key.
        key: String,
        /// What was signed.
        signed: String,
        /// What was found.
        found: String,
    },
    /// The package was modified after it was signed.
    #[error(
        "the {part} was modified after {key} signed it: expected sha256 {}, got {}", shown(signed.as_ref()), shown(found.as_ref())
    )]
    Tampered {
        /// Name of the key.
        key: String,
        /// The modified part.
        part: Part,
        /// The signed digest; None if that part was absent.
        signed: Option<Digest>,
        /// The actual digest; None if that part is missing.
        found: Option<Digest>,
    },
    /// The signature covers an OCI manifest that does not identify the package.
    #[error("the signature by {key} covers only an OCI manifest, which does not identify {found}")]
    Unbound {
        /// Name of the key.
        key: String,
        /// What was found.
        found: String,
    },
    /// The key has expired.
    #[error("signed by key {key}, which expired at {at}")]
    Expired {
        /// Name of the key.
        key: String,
        /// Expiry time.
        at: Timestamp,
    },
    /// The key is not valid yet.
    #[error("signed by key {key}, which is not valid before {from}")]
    NotYetValid {
        /// Name of the key.
        key: String,
        /// Start of its validity.
        from: Timestamp,
    },
    /// The key was revoked.
    #[error("signed by key {key}, which was revoked: {why}")]
    Revoked {
        /// Name of the key.
        key: String,
        /// Reason of the revocation.
        why: String,
    },
    /// Too few keys signed it.
    #[error("signed by {have} of {need} required keys{}", listed(by))]
    BelowThreshold {
        /// Number of keys that signed it.
        have: usize,
        /// Number of required keys.
        need: usize,
        /// Names of the keys that signed it.
        by: Vec<String>,
    },
    /// The document describes another package.
    #[error(
        "the document is for another package: it describes content sha256 {named}, but this package has {content}"
    )]
    OtherDocument {
        /// The content that the document describes.
        named: Digest,
        /// The content of the package.
        content: Digest,
    },
}

impl Explain for Reason {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoRule { repository, .. } => {
                return vec![format!(
                    "trust a publisher's key with `kubectl ext package key approve FILE`, or add a `[[trust.rule]]` with `repositories = [\"{repository}\"]` and below it a `[[trust.rule.key]]` with a `name` and the `public` key"
                )];
            }
            Self::Unsigned { .. } => "ask the publisher to sign it with a trusted key",
            Self::UnknownKey { .. } => {
                "if you trust its owner, add the public key as a `[[trust.rule.key]]` to the rule that matches this package"
            }
            Self::WrongKey { .. } => {
                "to trust this key for this package too, add it to the rule that matches this package"
            }
            Self::Expired { .. } => "ask the publisher to sign it again with a valid key",
            Self::NotYetValid { .. } => "check the system clock",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

impl Reason {
    /// Returns its stable name in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoRule { .. } => "NoRule",
            Self::Unsigned { .. } => "Unsigned",
            Self::UnknownKey { .. } => "UnknownKey",
            Self::WrongKey { .. } => "WrongKey",
            Self::BadSignature { .. } => "BadSignature",
            Self::OtherPackage { .. } => "OtherPackage",
            Self::Tampered { .. } => "Tampered",
            Self::Unbound { .. } => "Unbound",
            Self::Expired { .. } => "Expired",
            Self::NotYetValid { .. } => "NotYetValid",
            Self::Revoked { .. } => "Revoked",
            Self::BelowThreshold { .. } => "BelowThreshold",
            Self::OtherDocument { .. } => "OtherDocument",
        }
    }
}

/// Reports a document that was written for a package with other content. A document that does not name its
/// content is accepted.
#[must_use]
pub fn other_document(document: &[u8], content: Digest) -> Option<Reason> {
    let named = package::described(document)?;
    (named != content).then_some(Reason::OtherDocument { named, content })
}

fn signer(key: Option<&str>) -> String {
    match key {
        Some(key) => format!("signed by untrusted key {key}"),
        None => "signed by an unidentified cosign key, or modified after signing".to_owned(),
    }
}

fn of(key: Option<&str>) -> String {
    key.map(|key| format!(" by {key}")).unwrap_or_default()
}

fn shown(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn listed(by: &[String]) -> String {
    if by.is_empty() {
        return String::new();
    }
    format!(": {}", by.join(", "))
}
