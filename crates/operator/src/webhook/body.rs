//! Reads request bodies with limits on size, time and memory, so that no client can exhaust the memory of the
//! operator.
//!
//! Users who can create an object control the size of its review, and clients that can connect control the
//! rate at which a body arrives. A parsed review uses up to thirty times the memory of its body.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use extension_registry_core::diagnostic::explained;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Maximum size of a body in bytes. The API server accepts objects of 3 MiB, and an update contains two.
const MAX_BYTES: usize = 6 * 1024 * 1024;

/// Maximum size of an object in bytes. A record has at most 256 KiB, as much again in annotations, and its
/// managed fields; the largest workflow is smaller.
const MAX_OBJECT_BYTES: usize = 1024 * 1024;

/// Time limit for each step of reading a body. The API server does not wait longer for a response.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of bodies that are read concurrently.
const MAX_READERS: usize = 16;

/// Maximum total size in KiB of reviews that are processed concurrently.
const MAX_PROCESSED_KIB: u32 = 4 * 1024;

/// HTTP status and message of a rejected request. The message does not quote the body.
pub(super) type Rejection = (StatusCode, Cow<'static, str>);

/// Reads bodies within the limits, which all requests share.
pub(super) struct BodyReader {
    readers: Arc<Semaphore>,
    processed: Arc<Semaphore>,
}

/// A body, with the memory permit that it needs until it is dropped.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

/// A review whose object exceeds the size limit.
pub(super) struct TooLarge {
    /// `request.uid`.
    pub(super) uid: String,
    /// Size of the object in bytes.
    pub(super) bytes: usize,
}

impl TooLarge {
    /// Returns the message for the user.
    pub(super) fn message(&self) -> String {
        explained(
            &format!(
                "object of {} bytes is too large: at most {MAX_OBJECT_BYTES} bytes are allowed",
                self.bytes
            ),
            &["split it into several objects"],
        )
    }
}

impl BodyReader {
    pub(super) fn new() -> Self {
        Self {
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            processed: Arc::new(Semaphore::new(MAX_PROCESSED_KIB as usize)),
        }
    }

    /// Reads a body and waits for a memory permit to process it.
    ///
    /// # Errors
    /// If the body is too large or does not arrive in time, or too many requests are in progress.
    pub(super) async fn read(&self, body: Body) -> Result<Received, Rejection> {
        const BUSY: Rejection = (
            StatusCode::SERVICE_UNAVAILABLE,
            Cow::Borrowed("too many concurrent requests"),
        );
        let bytes = {
            let reader = timeout(READ_TIMEOUT, Arc::clone(&self.readers).acquire_owned()).await;
            let Ok(Ok(_reader)) = reader else {
                return Err(BUSY);
            };
            match timeout(READ_TIMEOUT, to_bytes(body, MAX_BYTES)).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return Err(classify(&error)),
                Err(_) => {
                    return Err((
                        StatusCode::REQUEST_TIMEOUT,
                        Cow::Borrowed("timed out reading the request body"),
                    ));
                }
            }
        };
        let kib = u32::try_from(bytes.len() / 1024 + 1)
            .map_or(MAX_PROCESSED_KIB, |kib| kib.min(MAX_PROCESSED_KIB));
        let permit = Arc::clone(&self.processed).acquire_many_owned(kib);
        match timeout(READ_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(Received {
                bytes,
                _permit: permit,
            }),
            _ => Err(BUSY),
        }
    }
}

fn classify(error: &axum::Error) -> Rejection {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return (
                StatusCode::PAYLOAD_TOO_LARGE,
                explained(
                    "the AdmissionReview exceeds 6 MiB",
                    &["reduce the size of the object"],
                )
                .into(),
            );
        }
        source = cause.source();
    }
    (
        StatusCode::BAD_REQUEST,
        Cow::Borrowed("failed to read the request body"),
    )
}

/// Returns the review of an object that exceeds the size limit, without deserializing the object.
pub(super) fn too_large(body: &[u8]) -> Option<TooLarge> {
    #[derive(Deserialize)]
    struct Review<'a> {
        #[serde(borrow)]
        request: Request<'a>,
    }
    #[derive(Deserialize)]
    struct Request<'a> {
        uid: String,
        #[serde(borrow)]
        object: Option<&'a RawValue>,
    }
    if body.len() <= MAX_OBJECT_BYTES {
        return None;
    }
    let Review { request } = serde_json::from_slice(body).ok()?;
    let bytes = request.object?.get().len();
    (bytes > MAX_OBJECT_BYTES).then_some(TooLarge {
        uid: request.uid,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use futures::stream;

    use super::{BodyReader, MAX_BYTES, MAX_OBJECT_BYTES, MAX_READERS, too_large};

    fn review(object: &str) -> String {
        format!("{{\"request\": {{\"uid\": \"u\", \"object\": {object}}}}}")
    }

    #[test]
    fn detects_objects_beyond_size_limit() {
        let object = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(too_large(review(&object(MAX_OBJECT_BYTES)).as_bytes()).is_none());
        let large = too_large(review(&object(MAX_OBJECT_BYTES + 1)).as_bytes()).unwrap();
        assert_eq!((&*large.uid, large.bytes), ("u", MAX_OBJECT_BYTES + 1));
        // The stored object of an update may be larger.
        let old = format!(
            "{{\"request\": {{\"uid\": \"u\", \"object\": {{}}, \"oldObject\": {}}}}}",
            object(2 * MAX_OBJECT_BYTES)
        );
        assert!(too_large(old.as_bytes()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn timed_out_body_releases_reader() {
        let bodies = BodyReader::new();
        let slow = || Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let waiting = (0..MAX_READERS).map(|_| bodies.read(slow()));
        let results = futures::future::join_all(waiting).await;
        for result in results {
            assert_eq!(result.err().unwrap().0, StatusCode::REQUEST_TIMEOUT);
        }
        assert_eq!(
            &*bodies.read(Body::from("{}")).await.ok().unwrap().bytes,
            b"{}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn limits_total_size_of_concurrent_reviews() {
        let bodies = BodyReader::new();
        let large = || Body::from(vec![b' '; MAX_BYTES]);
        let first = bodies.read(large()).await.ok().unwrap();
        let second = bodies.read(large()).await;
        assert_eq!(second.err().unwrap().0, StatusCode::SERVICE_UNAVAILABLE);
        drop(first);
        assert!(bodies.read(large()).await.is_ok());
        let over = bodies.read(Body::from(vec![b' '; MAX_BYTES + 1])).await;
        assert_eq!(over.err().unwrap().0, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
