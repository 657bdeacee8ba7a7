//! The map of paths, and the one place where a request is read and answered.

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
use crate::metrics::Admission;
use crate::webhook::answer::Decision;
use crate::webhook::body::{self, Bodies, Rejection};
use crate::webhook::{Answer, Review, lists, record, workflow};

type Handler = for<'a> fn(&'a Context, &'a Review) -> BoxFuture<'a, Answer>;

/// All paths.
pub(crate) fn router(context: Arc<Context>) -> Router {
    let bodies = Arc::new(Bodies::new());
    let door = |name, handler| door(name, handler, Arc::clone(&bodies));
    Router::new()
        .route(
            "/mutate/workflows",
            // Called before the schema is checked, which is when a value without quotes can be explained.
            door("mutate workflows", |_, _| {
                std::future::ready(Answer::admit()).boxed()
            }),
        )
        .route(
            "/mutate/records",
            door("mutate records", |context, review| {
                record::mutate(context, review).boxed()
            }),
        )
        .route(
            "/validate/workflows",
            door("validate workflows", |context, review| {
                workflow::validate(context, review).boxed()
            }),
        )
        .route(
            "/validate/records",
            door("validate records", |context, review| {
                record::validate(context, review).boxed()
            }),
        )
        .with_state(context)
}

fn door(name: &'static str, handler: Handler, bodies: Arc<Bodies>) -> MethodRouter<Arc<Context>> {
    post(
        move |State(context): State<Arc<Context>>, headers: HeaderMap, body: Body| async move {
            let begun = Instant::now();
            let (outcome, response) = respond(&context, handler, &bodies, &headers, body).await;
            context
                .metrics
                .admissions
                .get_or_create(&Admission {
                    door: name,
                    outcome,
                })
                .observe(begun.elapsed().as_secs_f64());
            response
        },
    )
}

async fn respond(
    context: &Context,
    handler: Handler,
    bodies: &Bodies,
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
        return (
            "refused",
            axum::Json(response.into_review()).into_response(),
        );
    }
    match parse(&received.bytes) {
        Ok(request) => answer(context, handler, request).await,
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
        "send an AdmissionReview as application/json",
    ))
}

/// Returns the request in a body. An error repeats nothing of the body.
fn parse(body: &[u8]) -> Result<AdmissionRequest<DynamicObject>, Rejection> {
    serde_json::from_slice::<AdmissionReview<DynamicObject>>(body)
        .ok()
        .and_then(|review| review.try_into().ok())
        .ok_or((
            StatusCode::BAD_REQUEST,
            "the body is not an AdmissionReview of admission.k8s.io/v1 with a request",
        ))
}

async fn answer(
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
    let Answer { decision, warnings } = decide(context, handler, &review).await;
    let (outcome, mut response) = match decision {
        Decision::Admit => ("admitted", response),
        Decision::Change(object) => match with_changes(response, &review.object, &object) {
            Some(response) => ("changed", response),
            None => return ("failed", retry("the changes could not be written down")),
        },
        Decision::Refuse(message) => ("refused", response.deny(message)),
        // An error of the webhook itself: the API server's `failurePolicy` decides, and it is Fail.
        Decision::Retry(message) => return ("failed", retry(&message)),
    };
    if !warnings.is_empty() {
        response.warnings = Some(warnings);
    }
    (outcome, axum::Json(response.into_review()).into_response())
}

async fn decide(context: &Context, handler: Handler, review: &Review) -> Answer {
    if review.changes_spec() {
        if let Some(message) = lists::too_long(&review.object.data) {
            return Answer::refuse(message);
        }
        let unquoted = unquoted::find(&review.kind, &review.object.data);
        if !unquoted.is_empty() {
            return Answer::refuse(unquoted.join("\n"));
        }
    }
    handler(context, review).await
}

fn retry(message: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, message.to_owned()).into_response()
}

/// The answer with a JSON patch from one object to the other. Its operations add, replace and
/// remove; none tests, so none holds what was there before.
fn with_changes(
    response: AdmissionResponse,
    before: &DynamicObject,
    after: &DynamicObject,
) -> Option<AdmissionResponse> {
    let value = |object: &DynamicObject| -> Option<Value> { serde_json::to_value(object).ok() };
    let patch = json_patch::diff(&value(before)?, &value(after)?);
    response.with_patch(patch).ok()
}
