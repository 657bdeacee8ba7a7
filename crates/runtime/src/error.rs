//! Errors of a reconcile. A refusal is not an error but a result, reported in the status.

use extension_registry_client::reason;

/// A failed request to the API server, or an internal failure. The reconcile is retried with
/// exponential backoff.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}: {detail}")]
pub struct Error {
    what: String,
    detail: String,
    code: u16,
    terminating: bool,
}

impl Error {
    /// Creates an error of a request whose response contains no values. `what` names the object.
    pub fn api(what: impl Into<String>, error: &kube::Error) -> Self {
        let detail = reason(error).unwrap_or_else(|| error.to_string());
        Self::new(what, detail, error)
    }

    /// Creates an error of a request for a Secret. Keeps only reason and code, because messages of the
    /// API server may quote data.
    pub fn secret(what: impl Into<String>, error: &kube::Error) -> Self {
        let detail = match error {
            kube::Error::Api(status) => format!("{} ({})", status.reason, status.code),
            error => reason(error).unwrap_or_else(|| "no response from the API server".to_owned()),
        };
        Self::new(what, detail, error)
    }

    /// Creates an error that does not come from the API server.
    pub fn internal(what: impl Into<String>, error: &impl std::fmt::Display) -> Self {
        Self {
            what: what.into(),
            detail: error.to_string(),
            code: 500,
            terminating: false,
        }
    }

    /// Creates an error for an object that another client changed or deleted concurrently.
    pub fn race(what: impl Into<String>, detail: &str) -> Self {
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

    /// Returns whether the request failed because the namespace is terminating.
    #[must_use]
    pub fn is_namespace_terminating(&self) -> bool {
        self.terminating
    }

    /// Returns the value of the metric label `outcome`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.code {
            0 => "unreachable",
            403 => "forbidden",
            404 => "not_found",
            409 => "conflict",
            _ => "api",
        }
    }
}

/// Returns the HTTP status code of an error; zero if there was no response.
#[must_use]
pub fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

/// Returns whether the API server rejected the request because the namespace is terminating.
#[must_use]
pub fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}
