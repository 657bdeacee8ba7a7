//! Refusals: a machine-readable reason, a message and a hint.

use std::fmt;

use crate::diagnostic::{Diagnostic, Explain, Severity};

/// Declares the reasons, each with what can resolve it, so that no list omits one.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident: $resolved_by:ident,)*) => {
        /// Reason of a refusal, used in conditions and as a metric label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the name used in conditions and metrics.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Returns whether only an edit of the refused object itself can resolve it. Flux fails an apply
            /// on stalled objects, so this is false for reasons that a change of another object may resolve.
            #[must_use]
            pub fn is_stalled(self) -> bool {
                match self {
                    $(Self::$name => $resolved_by,)*
                }
            }
        }
    };
}

/// Only a change to the object resolves it.
const OBJECT: bool = true;
/// A change of another object may resolve it.
const OTHERS: bool = false;

reasons! {
    /// The requirement has no selector.
    InvalidRequirement: OBJECT,
    /// The version range is invalid.
    InvalidRange: OBJECT,
    /// No visible service matches.
    NotFound: OTHERS,
    /// Services match, but the consumer has access to none.
    NoAccess: OTHERS,
    /// Several services match.
    Ambiguous: OTHERS,
    /// Several sets of credentials of the same scope are available.
    AmbiguousCredentials: OTHERS,
    /// All endpoints are internal to another zone.
    Unreachable: OTHERS,
    /// An expression references a requirement that the step does not have.
    UnknownRequirement: OBJECT,
    /// An expression or mapping references a key that the choice does not have.
    UnknownKey: OBJECT,
    /// Two sources for one variable, or two mounts at one path.
    Conflict: OBJECT,
    /// The object exceeds a limit.
    TooLarge: OBJECT,
    /// A Secret with the required name exists and is not managed by this operator.
    SecretConflict: OTHERS,
    /// A Pipeline with the required name exists and is not managed by this operator.
    PipelineConflict: OTHERS,
    /// The API server rejected the Pipeline.
    PipelineRejected: OTHERS,
    /// The workflow engine is not installed.
    EngineMissing: OTHERS,
    /// A source Secret or a key of it does not exist.
    SecretMissing: OTHERS,
    /// A sealed value cannot be decrypted.
    DecryptionFailed: OTHERS,
    /// Any other error in the object itself.
    Invalid: OBJECT,
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

    /// Converts to an error at a field.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            rule: self.reason.as_str().into(),
            field: field.into(),
            position: None,
            hints: self.hints(),
            message: self.message,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl Explain for Refusal {
    fn hints(&self) -> Vec<String> {
        let hint = Some(self.hint.clone());
        hint.filter(|hint| !hint.is_empty()).into_iter().collect()
    }
}
