//! A proxy of a registry that counts requests and can delay responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::TRANSFER_ENCODING;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running proxy, until it is dropped.
pub(crate) struct Proxy {
    host: String,
    count: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy of the registry at this host.
    pub(crate) async fn start(registry: &str, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?.to_string();
        let count = Arc::new(AtomicU32::new(0));
        let registry = registry.to_owned();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let counter = Arc::clone(&count);
        let router = Router::new().fallback(move |request: Request| {
            counter.fetch_add(1, Ordering::Relaxed);
            let (client, registry) = (client.clone(), registry.clone());
            async move {
                tokio::time::sleep(delay).await;
                match forward(&client, &registry, request).await {
                    Ok(response) => response,
                    Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
                }
            }
        });
        let task = tokio::spawn(async move {
            // The server ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { host, count, task })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the number of requests since the last call.
    pub(crate) fn take_count(&self) -> u32 {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(client: &reqwest::Client, registry: &str, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let upstream = client
        .request(parts.method, format!("http://{registry}{}", parts.uri))
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let mut response = Response::builder().status(upstream.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(upstream.headers().clone());
        // The body is forwarded as a whole, not in chunks.
        headers.remove(TRANSFER_ENCODING);
    }
    Ok(response.body(Body::from(upstream.bytes().await?))?)
}
