//! Why something could not be done: a machine reason, a message for people, and the way out.

use std::fmt;

/// Names of refusals. They serve as condition reasons and metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A requirement that selects nothing.
    InvalidRequirement,
    /// A version range that does not parse.
    InvalidRange,
    /// No visible service matches.
    NotFound,
    /// Services match, but none admits this consumer.
    NoAccess,
    /// Several services match.
    Ambiguous,
    /// Several sets of credentials of one scope are usable.
    AmbiguousCredentials,
    /// Only endpoints internal to another zone.
    Unreachable,
    /// An expression names a requirement that the step does not have.
    UnknownRequirement,
    /// An expression or mapping names a key that the choice does not have.
    UnknownKey,
    /// Two sources for one variable, or two mounts at one path.
    Conflict,
    /// An object past its limits.
    TooLarge,
    /// A Secret of our name that is not ours.
    SecretConflict,
    /// A pipeline of our name that is not ours.
    PipelineConflict,
    /// A source Secret or a key of it is missing.
    SecretMissing,
    /// A sealed value cannot be decrypted.
    DecryptionFailed,
    /// Anything else that is wrong in the object itself.
    Invalid,
}

impl Reason {
    /// The name used in conditions and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequirement => "InvalidRequirement",
            Self::InvalidRange => "InvalidRange",
            Self::NotFound => "NotFound",
            Self::NoAccess => "NoAccess",
            Self::Ambiguous => "Ambiguous",
            Self::AmbiguousCredentials => "AmbiguousCredentials",
            Self::Unreachable => "Unreachable",
            Self::UnknownRequirement => "UnknownRequirement",
            Self::UnknownKey => "UnknownKey",
            Self::Conflict => "Conflict",
            Self::TooLarge => "TooLarge",
            Self::SecretConflict => "SecretConflict",
            Self::PipelineConflict => "PipelineConflict",
            Self::SecretMissing => "SecretMissing",
            Self::DecryptionFailed => "DecryptionFailed",
            Self::Invalid => "Invalid",
        }
    }

    /// Whether only an edit of the refused object itself can help. Flux fails an apply on this, so
    /// it is never said of something that another object may heal (design, section 6).
    #[must_use]
    pub fn is_stalled(self) -> bool {
        match self {
            Self::InvalidRequirement
            | Self::InvalidRange
            | Self::UnknownRequirement
            | Self::UnknownKey
            | Self::Conflict
            | Self::TooLarge
            | Self::Invalid => true,
            Self::NotFound
            | Self::NoAccess
            | Self::Ambiguous
            | Self::AmbiguousCredentials
            | Self::Unreachable
            | Self::SecretConflict
            | Self::PipelineConflict
            | Self::SecretMissing
            | Self::DecryptionFailed => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One explained refusal. It names nothing that the consumer cannot see and holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The machine reason.
    pub reason: Reason,
    /// What is wrong.
    pub message: String,
    /// The way out; may be empty.
    pub hint: String,
}

impl Refusal {
    /// A refusal with its way out.
    pub fn new(reason: Reason, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(formatter, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
