//! Refusals: a machine-readable reason, a message and a hint.

use std::fmt;

/// Reason of a refusal, used in conditions and as a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The requirement has no selector.
    InvalidRequirement,
    /// The version range is invalid.
    InvalidRange,
    /// No visible service matches.
    NotFound,
    /// Services match, but the consumer has access to none.
    NoAccess,
    /// Several services match.
    Ambiguous,
    /// Several sets of credentials of the same scope are available.
    AmbiguousCredentials,
    /// All endpoints are internal to another zone.
    Unreachable,
    /// An expression references a requirement that the step does not have.
    UnknownRequirement,
    /// An expression or mapping references a key that the choice does not have.
    UnknownKey,
    /// Two sources for one variable, or two mounts at one path.
    Conflict,
    /// The object exceeds a limit.
    TooLarge,
    /// A Secret with the required name exists and is not managed by this operator.
    SecretConflict,
    /// A Pipeline with the required name exists and is not managed by this operator.
    PipelineConflict,
    /// A source Secret or a key of it does not exist.
    SecretMissing,
    /// A sealed value cannot be decrypted.
    DecryptionFailed,
    /// Any other error in the object itself.
    Invalid,
}

impl Reason {
    /// Returns the name used in conditions and metrics.
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

    /// Returns whether only an edit of the refused object itself can resolve it. Flux fails an apply on
    /// stalled objects, so this is false for reasons that a change of another object may resolve.
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

/// An explained refusal. It names nothing that is invisible to the consumer and contains no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Machine-readable reason.
    pub reason: Reason,
    /// What is wrong.
    pub message: String,
    /// How to fix it; may be empty.
    pub hint: String,
}

impl Refusal {
    /// Creates a refusal with a hint.
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
