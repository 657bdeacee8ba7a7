//! Responses, and the headers that every response has.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use extension_registry_core::diagnostic::{Explain, Failure};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// Headers of every response. Pages need no scripts, no other hosts and no frames.
const SECURITY: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// A page that cannot be shown.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) failure: Failure,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure }
    }

    /// Creates the error for an object that does not exist, or that the caller may not read.
    pub(crate) fn not_found(what: &str) -> Self {
        let failure = Failure::new(format!("{what} not found"))
            .hint("check the name; it may also be in a namespace that you may not read");
        Self::new(StatusCode::NOT_FOUND, failure)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, failure)
    }
}

/// Result of a page.
pub(crate) type Reply = Result<Response, Problem>;

/// Returns a page.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => response(status, "text/html; charset=utf-8", text),
        Err(_) => response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "failed to create the page\n",
        ),
    }
}

/// Returns a document, as the command line prints it.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    match extension_registry_yaml::to_json(document) {
        Ok(text) => response(status, "application/json", text),
        Err(_) => response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "failed to create the document\n",
        ),
    }
}

/// An error as a document.
#[derive(Serialize)]
struct ErrorDocument {
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

/// Returns an error as a document.
pub(crate) fn json_problem(problem: &Problem) -> Response {
    let document = ErrorDocument {
        message: message(&problem.failure),
        hints: problem.failure.hints(),
    };
    json(problem.status, &document)
}

/// Returns the message of a failure with its causes.
pub(crate) fn message(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        let one = error.to_string();
        if !text.contains(&one) {
            text = format!("{text}: {one}");
        }
        cause = error.source();
    }
    text
}

/// Continues at another path with cookies.
pub(crate) fn redirect(path: &str, cookies: &[String]) -> Response {
    let mut response = response(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    for cookie in cookies {
        if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
            cookie.set_sensitive(true);
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// Returns a text.
pub(crate) fn text(text: &'static str) -> Response {
    response(StatusCode::OK, "text/plain; charset=utf-8", text)
}

/// Returns a file of the program, which changes only with it.
pub(crate) fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = response(StatusCode::OK, kind, text);
    let hour = HeaderValue::from_static("max-age=3600");
    response.headers_mut().insert(CACHE_CONTROL, hour);
    response
}

fn response(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
