//! What can go wrong while working on an object. Refusals are no errors: they are answers.

use kube::core::Status;

/// An error of one piece of work; it is tried again, later each time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A request that the API server refused or that did not reach it.
    #[error("failed to {what}: {detail}")]
    Api {
        /// What was asked, with the name of the object.
        what: String,
        /// Why not. For Secrets only reason and code: messages of the API server may quote data.
        detail: String,
        /// The HTTP code; zero when there was no answer.
        code: u16,
    },
}

impl Error {
    /// An error of a request whose answer holds no values.
    pub(crate) fn api(what: impl Into<String>, error: &kube::Error) -> Self {
        Self::Api {
            what: what.into(),
            detail: error.to_string(),
            code: code(error),
        }
    }

    /// An error of a request about a Secret: nothing of the server's message is kept.
    pub(crate) fn secret(what: impl Into<String>, error: &kube::Error) -> Self {
        let detail = match error {
            kube::Error::Api(status) => format!("{} ({})", status.reason, status.code),
            _ => "no answer from the API server".to_owned(),
        };
        Self::Api {
            what: what.into(),
            detail,
            code: code(error),
        }
    }

    /// Label for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Api { code: 409, .. } => "conflict",
            Self::Api { code: 403, .. } => "forbidden",
            Self::Api { code: 404, .. } => "not_found",
            Self::Api { code: 0, .. } => "unreachable",
            Self::Api { .. } => "api",
        }
    }
}

/// The HTTP code of an error; zero when there was no answer.
pub(crate) fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

/// Whether the API server said no because the namespace is going away: then there is nothing left to
/// do (security, section 1).
pub(crate) fn is_namespace_terminating(error: &kube::Error) -> bool {
    let cause = |status: &Status| {
        status.details.as_ref().is_some_and(|details| {
            details
                .causes
                .iter()
                .any(|cause| cause.reason == "NamespaceTerminating")
        })
    };
    matches!(error, kube::Error::Api(status) if status.code == 403 && cause(status))
}
