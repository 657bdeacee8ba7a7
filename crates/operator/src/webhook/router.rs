//! The map of paths, and the one place where a request is read and answered.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
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
use crate::webhook::{Answer, Review, record, workflow};

/// The most bytes of a request: an object has at most 1.5 MiB in etcd, and an update carries two.
const MOST_BYTES: usize = 8 * 1024 * 1024;

type Handler = for<'a> fn(&'a Context, &'a Review) -> BoxFuture<'a, Answer>;

/// All paths.
pub(crate) fn router(context: Arc<Context>) -> Router {
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
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(context)
}

fn door(name: &'static str, handler: Handler) -> MethodRouter<Arc<Context>> {
    post(
        move |State(context): State<Arc<Context>>,
              headers: HeaderMap,
              body: Result<Bytes, BytesRejection>| async move {
            let begun = Instant::now();
            let (outcome, response) = match read(&headers, body) {
                Ok(request) => answer(&context, handler, request).await,
                Err(refused) => ("unreadable", refused.into_response()),
            };
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

/// What is wrong with a request that cannot be read.
type Refused = (StatusCode, &'static str);

/// The request in a body. What is wrong with a body is said without repeating any of it.
fn read(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<AdmissionRequest<DynamicObject>, Refused> {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send an AdmissionReview as application/json",
        ));
    }
    let body = body.map_err(|rejection| {
        let status = rejection.status();
        let text = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "the AdmissionReview is larger than 8 MiB: make the object smaller"
        } else {
            "the body could not be read"
        };
        (status, text)
    })?;
    serde_json::from_slice::<AdmissionReview<DynamicObject>>(&body)
        .ok()
        .and_then(|review| review.try_into().ok())
        .ok_or((
            StatusCode::BAD_REQUEST,
            "the body is no AdmissionReview of admission.k8s.io/v1 with a request",
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
