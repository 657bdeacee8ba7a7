//! Tests of the authorization by an API server that does not answer as expected.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use extension_registry_web::oci::{AuthorizeError, Authorizer, Caller, Kubernetes};
use http::{HeaderMap, HeaderValue, Request, Response};
use serde_json::{Value, json};

const TOKEN: &str = "a-secret-token";

/// An API server that gives this answer, and the number of its requests.
fn server(status: u16, answer: Value) -> (Kubernetes, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let service = tower::service_fn(move |_: Request<kube::client::Body>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let body = Body::from(answer.to_string());
        let response = Response::builder().status(status).body(body).unwrap();
        async move { Ok::<_, std::io::Error>(response) }
    });
    (
        Kubernetes::new(kube::Client::new(service, "default")),
        count,
    )
}

fn headers(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(value).unwrap());
    headers
}

fn review(status: &Value) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "metadata": {},
        "spec": {},
        "status": status,
    })
}

#[tokio::test]
async fn asks_once_for_each_token() {
    let user = json!({ "username": "ada", "groups": ["devs"], "extra": { "k": ["v"] } });
    let (authorizer, count) = server(201, review(&json!({ "authenticated": true, "user": user })));
    for _ in 0..3 {
        let bearer = headers(&format!("Bearer {TOKEN}"));
        let caller = authorizer.authenticate(&bearer).await.unwrap();
        assert_eq!(caller.user, "ada");
        assert_eq!(caller.groups, ["devs"]);
        assert_eq!(caller.extra, [("k".to_owned(), vec!["v".to_owned()])]);
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn rejects_invalid_and_missing_tokens() {
    // An API server sets a user only for a valid token; the flag decides.
    let status = json!({ "authenticated": false, "user": { "username": "ada" } });
    let (authorizer, count) = server(201, review(&status));
    for headers in [HeaderMap::new(), headers("Bearer"), headers("Digest x")] {
        let error = authorizer.authenticate(&headers).await.unwrap_err();
        assert!(matches!(error, AuthorizeError::Unauthenticated { .. }));
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
    let bearer = headers(&format!("Bearer {TOKEN}"));
    let error = authorizer.authenticate(&bearer).await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Unauthenticated { .. }));
}

#[tokio::test]
async fn reports_an_api_server_that_fails_without_the_token() {
    let failure = json!({ "kind": "Status", "code": 500, "message": TOKEN, "reason": "x" });
    let (authorizer, _) = server(500, failure);
    let bearer = headers(&format!("Bearer {TOKEN}"));
    let error = authorizer.authenticate(&bearer).await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Unavailable(_)));
    assert!(!format!("{error} {error:?} {authorizer:?}").contains(TOKEN));
    let may = authorizer.may_read(&Caller::default(), "/v2/a/b").await;
    assert!(matches!(may, Err(AuthorizeError::Unavailable(_))));
}
