//! Paths of the webhook. Reads requests and writes responses for all handlers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use extension_registry_api::unquoted;
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use serde_json::Value;

use crate::context::Context;
use crate::metrics::AdmissionLabels;
use crate::webhook::body::{self, BodyReader, Rejection};
use crate::webhook::review::Decision;
use crate::webhook::{AdmissionResult, Review, binding, lists, record, workflow};

type Handler = for<'a> fn(&'a Context, &'a Review) -> BoxFuture<'a, AdmissionResult>;

/// Returns the router of all webhooks.
pub(crate) fn router(context: Arc<Context>) -> Router {
    let bodies = Arc::new(BodyReader::new());
    let endpoint = |name, handler| endpoint(name, handler, Arc::clone(&bodies));
    Router::new()
        .route(
            "/mutate/workflows",
            endpoint("mutate workflows", unquoted_only),
        )
        .route(
            "/mutate/bindings",
            endpoint("mutate bindings", unquoted_only),
        )
        .route(
            "/mutate/records",
            endpoint("mutate records", |context, review| {
                record::mutate(context, review).boxed()
            }),
        )
        .route(
            "/validate/workflows",
            endpoint("validate workflows", |_, review| {
                std::future::ready(workflow::validate(review)).boxed()
            }),
        )
        .route(
            "/validate/bindings",
            endpoint("validate bindings", |_, review| {
                std::future::ready(binding::validate(review)).boxed()
            }),
        )
        .route(
            "/validate/records",
            endpoint("validate records", |context, review| {
                record::validate(context, review).boxed()
            }),
        )
        .with_state(context)
}

/// Changes nothing. Runs before schema validation, so that unquoted values get a helpful error.
fn unquoted_only<'a>(_: &'a Context, _: &'a Review) -> BoxFuture<'a, AdmissionResult> {
    std::future::ready(AdmissionResult::allow()).boxed()
}

fn endpoint(
    name: &'static str,
    handler: Handler,
    bodies: Arc<BodyReader>,
) -> MethodRouter<Arc<Context>> {
    post(
        move |State(context): State<Arc<Context>>, headers: HeaderMap, body: Body| async move {
            let begun = Instant::now();
            let (outcome, response) = receive(&context, handler, &bodies, &headers, body).await;
            context
                .metrics
                .admission_seconds
                .get_or_create(&AdmissionLabels {
                    webhook: name,
                    outcome,
                })
                .observe(begun.elapsed().as_secs_f64());
            response
        },
    )
}

/// Reads a request and responds to it.
async fn receive(
    context: &Context,
    handler: Handler,
    bodies: &BodyReader,
    headers: &HeaderMap,
    body: Body,
) -> (&'static str, Response) {
    const UNREADABLE: &str = "unreadable";
    if let Err(rejection) = check_type(headers) {
        return (UNREADABLE, rejection.into_response());
    }
    let received = match bodies.read(body).await {
        Ok(received) => received,
        Err(rejection) => return (UNREADABLE, rejection.into_response()),
    };
    if let Some(large) = body::too_large(&received.bytes) {
        let mut response = AdmissionResponse::invalid(large.message());
        response.uid = large.uid;
        return ("denied", axum::Json(response.into_review()).into_response());
    }
    match parse(&received.bytes) {
        Ok(request) => respond(context, handler, request).await,
        Err(rejection) => (UNREADABLE, rejection.into_response()),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    is_json.then_some(()).ok_or((
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported content type: expected application/json".into(),
    ))
}

/// Parses the request. Errors do not quote the body, because it may contain values.
fn parse(body: &[u8]) -> Result<AdmissionRequest<DynamicObject>, Rejection> {
    serde_json::from_slice::<AdmissionReview<DynamicObject>>(body)
        .ok()
        .and_then(|review| review.try_into().ok())
        .ok_or((
            StatusCode::BAD_REQUEST,
            "invalid request body: expected an admission.k8s.io/v1 AdmissionReview with a request"
                .into(),
        ))
}

async fn respond(
    context: &Context,
    handler: Handler,
    request: AdmissionRequest<DynamicObject>,
) -> (&'static str, Response) {
    let response = AdmissionResponse::from(&request);
    let Some(review) = Review::new(request) else {
        return (
            "admitted",
            axum::Json(response.into_review()).into_response(),
        );
    };
    let AdmissionResult { decision, warnings } = decide(context, handler, &review).await;
    let (outcome, mut response) = match decision {
        Decision::Allow => ("admitted", response),
        Decision::Mutate(object) => match with_patch(response, &review.object, &object) {
            Some(response) => ("changed", response),
            None => return ("failed", unavailable("failed to create the JSON patch")),
        },
        Decision::Deny(message) => ("refused", response.deny(message)),
        // An error status makes the API server apply `failurePolicy`, which is Fail.
        Decision::Fail(message) => return ("failed", unavailable(&message)),
    };
    if !warnings.is_empty() {
        response.warnings = Some(warnings);
    }
    (outcome, axum::Json(response.into_review()).into_response())
}

async fn decide(context: &Context, handler: Handler, review: &Review) -> AdmissionResult {
    if review.changes_spec() {
        if let Some(message) = lists::too_long(&review.object.data) {
            return AdmissionResult::deny(message);
        }
        let unquoted = unquoted::find(&review.kind, &review.object.data);
        if !unquoted.is_empty() {
            return AdmissionResult::deny(unquoted.join("\n"));
        }
    }
    handler(context, review).await
}

fn unavailable(message: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, message.to_owned()).into_response()
}

/// Adds a JSON patch to the response. The patch has no `test` operations, so it contains no previous value.
fn with_patch(
    response: AdmissionResponse,
    before: &DynamicObject,
    after: &DynamicObject,
) -> Option<AdmissionResponse> {
    let value = |object: &DynamicObject| -> Option<Value> { serde_json::to_value(object).ok() };
    let patch = json_patch::diff(&value(before)?, &value(after)?);
    response.with_patch(patch).ok()
}
