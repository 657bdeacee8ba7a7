//! A gate before a registry that counts who comes through, and can let them wait.

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

/// A gate, until it is dropped.
pub(crate) struct Gate {
    host: String,
    count: Arc<AtomicU32>,
    serving: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate to the registry at this host.
    pub(crate) async fn open(registry: &str, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?.to_string();
        let count = Arc::new(AtomicU32::new(0));
        let registry = registry.to_owned();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let counting = Arc::clone(&count);
        let router = Router::new().fallback(move |request: Request| {
            counting.fetch_add(1, Ordering::Relaxed);
            let (client, registry) = (client.clone(), registry.clone());
            async move {
                tokio::time::sleep(delay).await;
                match passed(&client, &registry, request).await {
                    Ok(answer) => answer,
                    Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
                }
            }
        });
        let serving = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            host,
            count,
            serving,
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// How many requests came since the last time.
    pub(crate) fn counted(&self) -> u32 {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn passed(client: &reqwest::Client, registry: &str, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let answer = client
        .request(parts.method, format!("http://{registry}{}", parts.uri))
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
        // How the answer came is not how it goes on.
        headers.remove(TRANSFER_ENCODING);
    }
    Ok(response.body(Body::from(answer.bytes().await?))?)
}
