//! Why a package is not trusted. Each reason has a name that programs can rely on.

use jiff::Timestamp;

use crate::digest::Digest;
use crate::package;
use crate::signature::Fault;

/// A part of a package that has a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The content.
    Content,
    /// The manifest as JSON.
    Configuration,
    /// The document.
    Document,
    /// The manifest of the OCI registry around it all.
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

/// Reasons in one sentence, with their ways out behind it.
pub(crate) fn sentence<R: ToString>(reasons: &[R]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    let (mut texts, mut hints) = (Vec::new(), Vec::new());
    for reason in &reasons {
        let (text, hint) = reason.split_once(HINT).unwrap_or((reason, ""));
        texts.push(text.to_owned());
        if !hint.is_empty() && !hints.iter().any(|known| known == hint) {
            hints.push(hint.to_owned());
        }
    }
    hints.insert(0, texts.join("; "));
    hints.join(HINT)
}

/// What stands between a sentence and its way out.
const HINT: &str = "; hint: ";

/// Why a package is not trusted, or one of its signatures is not.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule is for it.
    #[error(
        "no rule of the trust policy is for {subject} from {repository}; hint: approve a key of whoever you trust to sign it, `kubectl ext package key approve FILE`, or add a `[[trust.rule]]` with `repositories = [\"{repository}\"]` and below it a `[[trust.rule.key]]` with a `name` and the `public` key"
    )]
    NoRule {
        /// What it is.
        subject: String,
        /// Where it is from.
        repository: String,
    },
    /// It has no signature.
    #[error(
        "{subject} from {repository} is not signed; hint: ask whoever published it to sign it with a key that is approved"
    )]
    Unsigned {
        /// What it is.
        subject: String,
        /// Where it is from.
        repository: String,
    },
    /// A key signed it that nobody approved.
    #[error(
        "{}, which nobody approved; hint: if you know whose it is and trust them, add the public key to the rule as a `[[trust.rule.key]]`", signer(key.as_deref())
    )]
    UnknownKey {
        /// Id of the key, as far as the signature says it. Nobody vouches for it.
        key: Option<String>,
    },
    /// A key signed it that is approved for something else.
    #[error(
        "key {key} signed it, which is approved for other packages ({rule}), not for this one; hint: if it may sign this one too, add it to the rule that is for it"
    )]
    WrongKey {
        /// Name of the key.
        key: String,
        /// The rule that has it: `trust.rule[1]`.
        rule: String,
    },
    /// A signature does not hold.
    #[error("a signature{} does not hold: {fault}", of(key.as_deref()))]
    BadSignature {
        /// Name of the key, where the signature names one that is approved.
        key: Option<String>,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The signature holds, for another package.
    #[error("the signature of {key} is of {signed}, and this is {found}")]
    OtherPackage {
        /// Name of the key.
        key: String,
        /// What was signed.
        signed: String,
        /// What is here.
        found: String,
    },
    /// The package was changed after it was signed.
    #[error(
        "the {part} is not the one that {key} signed: it has sha256 {}, and {} was signed", shown(found.as_ref()), shown(signed.as_ref())
    )]
    Tampered {
        /// Name of the key.
        key: String,
        /// What was changed.
        part: Part,
        /// The digest that was signed; None where there was none.
        signed: Option<Digest>,
        /// The digest of what is here; None where it is missing.
        found: Option<Digest>,
    },
    /// The signature is of a manifest of an OCI registry, and nothing says that this is the manifest of the
    /// package.
    #[error(
        "the signature of {key} binds a manifest of an OCI registry and no name, and that manifest does not say that it is {found}"
    )]
    Unbound {
        /// Name of the key.
        key: String,
        /// What is here.
        found: String,
    },
    /// The key does not count any more.
    #[error(
        "key {key}, which signed it, expired at {at}; hint: ask whoever published it to sign it again"
    )]
    Expired {
        /// Name of the key.
        key: String,
        /// Since when.
        at: Timestamp,
    },
    /// The key does not count yet.
    #[error("key {key}, which signed it, counts from {from} on; hint: is the clock right?")]
    NotYetValid {
        /// Name of the key.
        key: String,
        /// From when on.
        from: Timestamp,
    },
    /// The key was revoked.
    #[error("key {key}, which signed it, is revoked: {why}")]
    Revoked {
        /// Name of the key.
        key: String,
        /// Why.
        why: String,
    },
    /// Too few keys signed it.
    #[error("{have} of the {need} keys that are needed signed it{}", listed(by))]
    BelowThreshold {
        /// How many did.
        have: usize,
        /// How many have to.
        need: usize,
        /// Their names.
        by: Vec<String>,
    },
    /// The document describes another package.
    #[error(
        "the document names another content: it describes sha256 {named}, and this package has {content}"
    )]
    OtherDocument {
        /// The content that the document says it describes.
        named: Digest,
        /// The content of the package.
        content: Digest,
    },
}

impl Reason {
    /// Its name in output, which stays the same.
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

/// Flags a document that was written for another package than that with this content (seed 001,
/// section 6.B). One that does not say what it describes is fine.
#[must_use]
pub fn other_document(document: &[u8], content: Digest) -> Option<Reason> {
    let named = package::described(document)?;
    (named != content).then_some(Reason::OtherDocument { named, content })
}

fn signer(key: Option<&str>) -> String {
    match key {
        Some(key) => format!("key {key} signed it"),
        None => {
            "a key of cosign that does not say which signed it, or it was changed since".to_owned()
        }
    }
}

fn of(key: Option<&str>) -> String {
    key.map(|key| format!(" of {key}")).unwrap_or_default()
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
