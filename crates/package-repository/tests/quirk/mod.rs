//! A server for answers that no real server gives on demand. It stands alone, or before a real registry whose
//! answers it changes, and remembers what it was asked.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every test needs all of it"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use extension_registry_package_repository::Repository;
use extension_registry_package_repository::oci::{Oci, Settings};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Transport};
use ferro_blob_store::InMemoryBlobStore;
use ferro_oci_server::{AppState, InMemoryRegistryMeta};

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl RecordedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `GET /v2/`, as tests write it.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A parameter of the query, as it came.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        pairs(&self.query, name).into_iter().next()
    }
}

/// Values of a name in a form or a query.
pub(crate) fn pairs(text: &str, name: &str) -> Vec<String> {
    url::form_urlencoded::parse(text.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

type Before = dyn Fn(&RecordedRequest) -> Option<Response> + Send + Sync;
type After = dyn Fn(&RecordedRequest, Response) -> Response + Send + Sync;

/// A server on a port of its own, until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<RecordedRequest>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Shared {
    log: Arc<Mutex<Vec<RecordedRequest>>>,
    before: Arc<Before>,
    after: Arc<After>,
}

impl Server {
    /// One that answers with what a function gives, and 404 else.
    pub(crate) async fn of(
        before: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let nothing = Router::new().fallback(async || text(404, "404 page not found\n"));
        Self::start(nothing, Arc::new(before), Arc::new(|_, answer| answer)).await
    }

    /// A real registry.
    pub(crate) async fn registry() -> Self {
        Self::before(|_| None).await
    }

    /// A real registry, unless a function answers for it.
    pub(crate) async fn before(
        before: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::start(real(), Arc::new(before), Arc::new(|_, answer| answer)).await
    }

    /// A real registry whose answers are changed.
    pub(crate) async fn changed(
        before: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
        after: impl Fn(&RecordedRequest, Response) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(real(), Arc::new(before), Arc::new(after)).await
    }

    /// A real registry that knows no referrers, as most older ones.
    pub(crate) async fn without_referrers() -> Self {
        Self::changed(
            |asked| {
                let is_referrers = asked.path.contains("/referrers/");
                is_referrers.then(|| text(404, "404 page not found\n"))
            },
            |_, mut answer| {
                let _ = answer.headers_mut().remove("oci-subject");
                answer
            },
        )
        .await
    }

    /// A real registry that answers to no look for an index before as many others were asked as the barrier is for.
    pub(crate) async fn meeting(barrier: Arc<tokio::sync::Barrier>) -> Self {
        let meeting = real().layer(axum::middleware::from_fn(
            move |request: Request, next: Next| {
                let is_first = request.uri().path().contains("extension-index");
                let barrier = Arc::clone(&barrier);
                async move {
                    if is_first {
                        barrier.wait().await;
                    }
                    next.run(request).await
                }
            },
        ));
        Self::start(meeting, Arc::new(|_| None), Arc::new(|_, answer| answer)).await
    }

    /// A real registry that never answers who would read a path with this in it.
    pub(crate) async fn hanging(part: &'static str) -> Self {
        let hanging = real().layer(axum::middleware::from_fn(
            move |request: Request, next: Next| {
                let is_read = request.method() == axum::http::Method::GET;
                let is_left = is_read && request.uri().path().contains(part);
                async move {
                    if is_left {
                        std::future::pending::<()>().await;
                    }
                    next.run(request).await
                }
            },
        ));
        Self::start(hanging, Arc::new(|_| None), Arc::new(|_, answer| answer)).await
    }

    async fn start(router: Router, before: Arc<Before>, after: Arc<After>) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared {
            log: Arc::clone(&log),
            before,
            after,
        };
        let router = router.layer(from_fn_with_state(shared, watched));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, log, task }
    }

    /// What it was asked, so far.
    pub(crate) fn asked(&self) -> Vec<RecordedRequest> {
        self.log.lock().unwrap().clone()
    }

    /// Lines of what it was asked since the last time.
    pub(crate) fn lines(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.log.lock().unwrap());
        asked.iter().map(RecordedRequest::line).collect()
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self, path: &str) -> url::Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// A driver for it, with the namespace `extensions`.
    pub(crate) fn driver(&self) -> Oci {
        Oci::new(self.settings(), hasty(), Credentials::Anonymous).unwrap()
    }

    /// A driver of this name, which tries once.
    pub(crate) fn source(&self, id: &str) -> Arc<dyn Repository> {
        let settings = Settings {
            id: id.to_owned(),
            ..self.settings()
        };
        Arc::new(Oci::new(settings, transport(0), Credentials::Anonymous).unwrap())
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            id: "quirk".to_owned(),
            registry: self.host(),
            namespace: "extensions".to_owned(),
            names: Vec::new(),
        }
    }
}

/// A transport that tries thrice.
pub(crate) fn hasty() -> Transport {
    transport(2)
}

pub(crate) fn transport(retries: usize) -> Transport {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = transport::Settings {
        timeout: Duration::from_secs(20),
        retries,
        ..transport::Settings::default()
    };
    Transport::new(settings).unwrap()
}

/// What a real registry answers.
pub(crate) fn real() -> Router {
    let state = AppState::new(
        Arc::new(InMemoryBlobStore::new()),
        Arc::new(InMemoryRegistryMeta::new()),
    );
    ferro_oci_server::router(state)
}

async fn watched(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 30).await else {
        return text(400, "the body was cut");
    };
    let asked = RecordedRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: body.clone(),
    };
    shared.log.lock().unwrap().push(asked.clone());
    if let Some(answer) = (shared.before)(&asked) {
        return answer;
    }
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    (shared.after)(&asked, answer)
}

/// An answer of text.
pub(crate) fn text(status: u16, text: &str) -> Response {
    answer(status, &[("content-type", "text/plain")], text.to_owned())
}

/// An answer of JSON.
pub(crate) fn json(text: &str) -> Response {
    answer(
        200,
        &[("content-type", "application/json")],
        text.to_owned(),
    )
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, HeaderValue::from_str(value).unwrap());
    }
    response.body(body.into()).unwrap()
}

/// The beginning of a body whose connection is cut then.
pub(crate) fn cut(status: u16, headers: &[(&str, &str)], beginning: &[u8]) -> Response {
    let beginning = Bytes::copy_from_slice(beginning);
    let parts = futures::stream::unfold(0, move |part| {
        let beginning = beginning.clone();
        async move {
            match part {
                0 => Some((Ok(beginning), 1)),
                1 => {
                    // What was written goes out first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Err(std::io::Error::other("cut")), 2))
                }
                _ => None,
            }
        }
    });
    answer(status, headers, Body::from_stream(parts))
}
