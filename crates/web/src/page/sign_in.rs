//! The page for pasting a token.

use askama::Template;
use axum::response::Response;
use extension_registry_core::diagnostic::{Explain, Failure};
use http::{StatusCode, Uri};
use url::form_urlencoded;

use super::frame::is_json;
use super::layout::Layout;
use crate::access::forwarded;
use crate::reply::{self, Problem};
use crate::source::Source;

/// Fields of the form.
#[derive(Default)]
struct Form {
    token: String,
    namespace: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    layout: Layout,
    /// Why the form is shown again; may be empty.
    problem: String,
    hints: Vec<String>,
}

/// Returns the form.
pub(crate) fn form(source: &Source) -> Response {
    show(source, StatusCode::OK, None)
}

/// Returns the form, because a page needs a token.
pub(crate) fn required(source: &Source, uri: &Uri) -> Response {
    if is_json(uri) {
        let failure = Failure::new("no bearer token");
        let failure = failure.hint("send one in the header `Authorization`");
        return reply::json_problem(&Problem::new(StatusCode::UNAUTHORIZED, failure));
    }
    show(source, StatusCode::UNAUTHORIZED, None)
}

/// Keeps the token of a submitted form.
pub(crate) fn submitted(source: &Source, body: &[u8]) -> Response {
    let mut form = Form::default();
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "token" => form.token = value.into_owned(),
            "namespace" => form.namespace = value.into_owned(),
            _ => {}
        }
    }
    match forwarded::cookies(&form.token, &form.namespace) {
        Ok(cookies) => reply::redirect("/", &cookies),
        Err(failure) => show(source, StatusCode::BAD_REQUEST, Some(&failure)),
    }
}

fn show(source: &Source, status: StatusCode, failure: Option<&Failure>) -> Response {
    let page = Page {
        layout: Layout::bare("Sign in", source.describe()),
        problem: failure.map(ToString::to_string).unwrap_or_default(),
        hints: failure.map(Explain::hints).unwrap_or_default(),
    };
    reply::html(status, &page)
}
