//! Errors in the format of the protocol (distribution-spec, "Error Codes").

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::bundle::UnpackError;
use extension_registry_packages::cache::CacheError;
use extension_registry_packages::deliver::DeliverError;
use extension_registry_packages::image::ImageError;
use extension_registry_packages::mirror::MirrorError;
use extension_registry_packages::repository::Error;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::authorizer::AuthorizeError;

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    /// The ways out for the client.
    hints: Vec<String>,
    /// Value of `WWW-Authenticate`.
    challenge: Option<String>,
    /// Length of the blob, for a range that cannot be satisfied.
    length: Option<u64>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hints: Vec::new(),
            challenge: None,
            length: None,
        }
    }

    pub(super) fn unsupported() -> Self {
        let message = "this registry is read-only: only GET and HEAD of the pull API are supported";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub(super) fn unknown_extension() -> Self {
        let message = "unknown extension";
        Self::new(StatusCode::NOT_FOUND, "EXTENSION_UNKNOWN", message)
    }

    pub(super) fn unknown_name(path: &str) -> Self {
        let message = format!("repository {path} not found");
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    pub(super) fn unknown_manifest(reference: &str, path: &str) -> Self {
        let message = format!("manifest {reference} of {path} not found");
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message)
    }

    pub(super) fn unknown_blob(digest: &str, path: &str) -> Self {
        let message = format!("blob {digest} of {path} not found");
        Self::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", message)
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "DENIED", message)
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    pub(super) fn unauthorized(challenge: String) -> Self {
        let mut fault = Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHORIZED",
            "authentication required",
        );
        fault.challenge = Some(challenge);
        fault
    }

    pub(super) fn range(length: u64) -> Self {
        let message = format!("the range is outside the blob of {length} bytes");
        let mut fault = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID", message);
        fault.length = Some(length);
        fault
    }

    /// Reports a failure of this server, whose details concern its administrator only.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "failed to serve a package");
        let message = "the server failed; its log has the cause";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    }

    fn with_hints(mut self, hints: Vec<String>) -> Self {
        self.hints = hints;
        self
    }

    /// Converts the error of an authorizer.
    pub(super) fn of_authorizer(error: &AuthorizeError) -> Self {
        match error {
            AuthorizeError::Unauthenticated { challenge } => Self::unauthorized(challenge.clone()),
            AuthorizeError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }

    /// Converts the error of a source.
    pub(super) fn of_source(error: &Error) -> Self {
        let bad = |message: String| Self::new(StatusCode::BAD_GATEWAY, "UNKNOWN", message);
        match error {
            Error::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", error.to_string())
            }
            Error::Unavailable { .. } => Self::unavailable(error.to_string()),
            Error::File { .. } | Error::Exists { .. } => Self::internal(error),
            Error::Denied { .. } | Error::Unsupported { .. } | Error::Broken { .. } => {
                bad(error.to_string())
            }
        }
    }

    /// Converts the error of a delivery.
    pub(super) fn of_image(error: &ImageError) -> Self {
        match error {
            ImageError::Repository(error)
            | ImageError::Deliver(DeliverError::Repository(error))
            | ImageError::Mirror(MirrorError::Repository(error)) => Self::of_source(error),
            ImageError::Deliver(refused @ DeliverError::Refused { .. }) => {
                Self::denied(refused.to_string()).with_hints(refused.hints())
            }
            ImageError::Deliver(DeliverError::Cache(CacheError::Unpack(error)))
                if !matches!(error, UnpackError::Write { .. }) =>
            {
                Self::denied(error.to_string())
            }
            ImageError::Deliver(
                DeliverError::Tampered { .. }
                | DeliverError::Platform { .. }
                | DeliverError::Unsupported { .. },
            )
            | ImageError::Invalid(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "UNKNOWN", error.to_string())
            }
            ImageError::Mirror(MirrorError::Foreign(title)) => Self::new(
                StatusCode::NOT_FOUND,
                "MANIFEST_UNKNOWN",
                format!("{title} is not a native package, so it has no OCI manifest"),
            ),
            ImageError::Deliver(_) | ImageError::Mirror(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut fault = json!({ "code": self.code, "message": self.message });
        if !self.hints.is_empty() {
            fault["detail"] = json!({ "hints": self.hints });
        }
        let body = json!({ "errors": [fault] }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        let challenge = self.challenge.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(challenge)) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        let range = self.length.map(|length| format!("bytes */{length}"));
        if let Some(Ok(range)) = range.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        response
    }
}
