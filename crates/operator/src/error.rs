//! What can go wrong while working on an object. Refusals are no errors: they are answers.

/// A request that the API server refused or that did not reach it. The work is tried again, later
/// each time.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}: {detail}")]
pub(crate) struct Error {
    what: String,
    detail: String,
    code: u16,
    terminating: bool,
}

impl Error {
    /// An error of a request whose answer holds no values. `what` names the object.
    pub(crate) fn api(what: impl Into<String>, error: &kube::Error) -> Self {
        Self::new(what, error.to_string(), error)
    }

    /// An error of a request about a Secret: only reason and code are kept, because messages of the
    /// API server may quote data.
    pub(crate) fn secret(what: impl Into<String>, error: &kube::Error) -> Self {
        let detail = match error {
            kube::Error::Api(status) => format!("{} ({})", status.reason, status.code),
            _ => "no answer from the API server".to_owned(),
        };
        Self::new(what, detail, error)
    }

    /// Something that needs no API server and failed all the same.
    pub(crate) fn internal(what: impl Into<String>, error: &impl std::fmt::Display) -> Self {
        Self {
            what: what.into(),
            detail: error.to_string(),
            code: 500,
            terminating: false,
        }
    }

    /// Somebody else wrote or deleted the same object meanwhile.
    pub(crate) fn race(what: impl Into<String>, detail: &str) -> Self {
        Self {
            what: what.into(),
            detail: detail.to_owned(),
            code: 409,
            terminating: false,
        }
    }

    fn new(what: impl Into<String>, detail: String, error: &kube::Error) -> Self {
        Self {
            what: what.into(),
            detail,
            code: code(error),
            terminating: is_namespace_terminating(error),
        }
    }

    /// Whether there is nothing left to do, because the namespace goes away (security, section 1).
    pub(crate) fn is_namespace_terminating(&self) -> bool {
        self.terminating
    }

    /// Label for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self.code {
            0 => "unreachable",
            403 => "forbidden",
            404 => "not_found",
            409 => "conflict",
            _ => "api",
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

/// Whether the API server said no because the namespace is going away.
pub(crate) fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}
