//! Reads the bodies of requests within bounds, so that no caller exhausts the memory of the operator.
//!
//! Anyone who may create an object decides how large its review is, and anyone who reaches the port how
//! slowly a body arrives. A review takes up to thirty times its length once it is parsed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Most bytes of a body: the API server takes objects of 3 MiB, and an update carries two.
const MOST_BYTES: usize = 6 * 1024 * 1024;

/// Most bytes of an object that is examined. A record has at most 256 KiB, as much again in annotations,
/// and its managed fields; the largest workflow is smaller.
const MOST_OBJECT_BYTES: usize = 1024 * 1024;

/// How long a body may take to arrive. The API server waits no longer for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bodies that arrive at the same time.
const READERS: usize = 16;

/// KiB of the reviews that are examined at the same time.
const EXAMINED_KIB: u32 = 4 * 1024;

/// Status and text of a request that is not answered with a review. The text repeats nothing of the body.
pub(super) type Rejection = (StatusCode, &'static str);

/// What all requests share.
pub(super) struct Bodies {
    readers: Arc<Semaphore>,
    examined: Arc<Semaphore>,
}

/// A body, and the share of memory that it may take while this lives.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// A review whose object is too large to be examined.
pub(super) struct TooLarge {
    /// `request.uid`.
    pub(super) uid: String,
    /// Bytes of the object.
    pub(super) bytes: usize,
}

impl TooLarge {
    /// Returns the message for the user.
    pub(super) fn message(&self) -> String {
        format!(
            "the object has {} bytes, at most {MOST_OBJECT_BYTES} are allowed; hint: split it into several objects",
            self.bytes
        )
    }
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self {
            readers: Arc::new(Semaphore::new(READERS)),
            examined: Arc::new(Semaphore::new(EXAMINED_KIB as usize)),
        }
    }

    /// Reads a body, and waits until there is memory to examine it.
    ///
    /// # Errors
    /// When it is too large, does not arrive in time, or too many others are being read.
    pub(super) async fn read(&self, body: Body) -> Result<Received, Rejection> {
        const BUSY: Rejection = (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests at the same time",
        );
        let bytes = {
            let reader = timeout(PATIENCE, Arc::clone(&self.readers).acquire_owned()).await;
            let Ok(Ok(_reader)) = reader else {
                return Err(BUSY);
            };
            match timeout(PATIENCE, to_bytes(body, MOST_BYTES)).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return Err(unreadable(&error)),
                Err(_) => {
                    return Err((
                        StatusCode::REQUEST_TIMEOUT,
                        "the body did not arrive in time",
                    ));
                }
            }
        };
        let kib =
            u32::try_from(bytes.len() / 1024 + 1).map_or(EXAMINED_KIB, |kib| kib.min(EXAMINED_KIB));
        let share = timeout(PATIENCE, Arc::clone(&self.examined).acquire_many_owned(kib));
        match share.await {
            Ok(Ok(share)) => Ok(Received {
                bytes,
                _share: share,
            }),
            _ => Err(BUSY),
        }
    }
}

fn unreadable(error: &axum::Error) -> Rejection {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the AdmissionReview is larger than 6 MiB: make the object smaller",
            );
        }
        source = cause.source();
    }
    (StatusCode::BAD_REQUEST, "the body could not be read")
}

/// Returns the review of an object that is too large, without building the object.
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
    if body.len() <= MOST_OBJECT_BYTES {
        return None;
    }
    let Review { request } = serde_json::from_slice(body).ok()?;
    let bytes = request.object?.get().len();
    (bytes > MOST_OBJECT_BYTES).then_some(TooLarge {
        uid: request.uid,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use futures::stream;

    use super::{Bodies, MOST_BYTES, MOST_OBJECT_BYTES, READERS, too_large};

    fn review(object: &str) -> String {
        format!("{{\"request\": {{\"uid\": \"u\", \"object\": {object}}}}}")
    }

    #[test]
    fn only_objects_over_the_limit_are_too_large() {
        let object = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(too_large(review(&object(MOST_OBJECT_BYTES)).as_bytes()).is_none());
        let large = too_large(review(&object(MOST_OBJECT_BYTES + 1)).as_bytes()).unwrap();
        assert_eq!((&*large.uid, large.bytes), ("u", MOST_OBJECT_BYTES + 1));
        // What an update replaces may be larger: it was stored.
        let old = format!(
            "{{\"request\": {{\"uid\": \"u\", \"object\": {{}}, \"oldObject\": {}}}}}",
            object(2 * MOST_OBJECT_BYTES)
        );
        assert!(too_large(old.as_bytes()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_frees_its_place() {
        let bodies = Bodies::new();
        let slow = || Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let waiting = (0..READERS).map(|_| bodies.read(slow()));
        let answers = futures::future::join_all(waiting).await;
        for answer in answers {
            assert_eq!(answer.err().unwrap().0, StatusCode::REQUEST_TIMEOUT);
        }
        assert_eq!(
            &*bodies.read(Body::from("{}")).await.ok().unwrap().bytes,
            b"{}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn large_reviews_are_examined_one_after_the_other() {
        let bodies = Bodies::new();
        let large = || Body::from(vec![b' '; MOST_BYTES]);
        let first = bodies.read(large()).await.ok().unwrap();
        let second = bodies.read(large()).await;
        assert_eq!(second.err().unwrap().0, StatusCode::SERVICE_UNAVAILABLE);
        drop(first);
        assert!(bodies.read(large()).await.is_ok());
        let over = bodies.read(Body::from(vec![b' '; MOST_BYTES + 1])).await;
        assert_eq!(over.err().unwrap().0, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
