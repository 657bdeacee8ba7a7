//! Headers that several responses have.

use axum::body::Body;
use axum::response::Response;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::Digest;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Header with the digest of a manifest or a blob.
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Maximum number of `Warning` headers.
const WARNINGS: usize = 5;
/// Maximum length of a warning.
const LONGEST: usize = 500;

/// Sets the headers of content with a digest.
pub(super) fn describe(response: &mut Response, digest: Digest, media_type: &str) {
    let headers = response.headers_mut();
    // Media types come from manifests.
    let media_type = HeaderValue::from_str(media_type);
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(digest) = HeaderValue::from_str(&digest.oci()) {
        headers.insert(DIGEST, digest);
    }
    if let Ok(tag) = HeaderValue::from_str(&etag(digest)) {
        headers.insert(header::ETAG, tag);
    }
}

/// Returns whether the client already has this content.
pub(super) fn is_known(headers: &HeaderMap, digest: Digest) -> bool {
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag(digest)))
}

/// Converts a response to one without content.
pub(super) fn not_modified(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response
}

/// Returns JSON. A response to `HEAD` has the headers only.
pub(super) fn json(value: &serde_json::Value, is_head: bool) -> Response {
    let mut response = bytes(value.to_string().into_bytes(), is_head);
    let media_type = HeaderValue::from_static("application/json");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    response
}

/// Returns bytes from memory.
pub(super) fn bytes(bytes: Vec<u8>, is_head: bool) -> Response {
    let length = HeaderValue::from(bytes.len());
    let body = if is_head { Body::empty() } else { bytes.into() };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    response
}

/// Adds warnings (distribution-spec, "Warnings").
pub(super) fn warn(response: &mut Response, warnings: &[Note]) {
    for warning in warnings.iter().take(WARNINGS) {
        let text = warning.to_string();
        let text = text.chars().take(LONGEST).map(|letter| match letter {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => letter,
            _ => ' ',
        });
        let text: String = text.collect();
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{}\"", text.trim())) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}

fn etag(digest: Digest) -> String {
    format!("\"{}\"", digest.oci())
}
