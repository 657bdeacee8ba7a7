//! HTTP server for `/metrics`, `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::metrics::KindLabels;

/// Serves until the token is cancelled.
///
/// # Errors
/// If the socket fails.
pub(crate) async fn serve(
    listener: TcpListener,
    context: Arc<Context>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .with_state(context);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn metrics(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let metrics = &context.metrics;
    let stores = &context.stores;
    metrics.queue_length.set(count(context.queue.depth()));
    let counts = [
        ("record", stores.records.read().len()),
        ("workflow", stores.workflows.read().len()),
        ("binding", stores.bindings.read().len()),
        ("projection", stores.projections.read().len()),
    ];
    for (kind, length) in counts {
        metrics
            .objects
            .get_or_create(&KindLabels { kind })
            .set(count(length));
    }
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        metrics.render(),
    )
}

async fn readyz(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let waits_for = if !context.is_started() {
        "waiting for the initial lists of watched objects"
    } else if !context.webhook.is_ready() {
        "waiting for the API server to reach the webhook"
    } else {
        return (StatusCode::OK, "ok");
    };
    (StatusCode::SERVICE_UNAVAILABLE, waits_for)
}
