//! The site: its pages, and what happens to each request before and after a page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use extension_registry_core::diagnostic::Failure;
use http::{StatusCode, Uri};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::access::forwarded;
use crate::access::{Access, Caller, Decision};
use crate::packages::Packages;
use crate::page::{self, Frame, PackageVisit, Visit};
use crate::reply::{self, Problem, Reply};
use crate::source::Source;

/// Maximum length of the address of a page in bytes.
const MAX_ADDRESS: usize = 8 << 10;

/// Pages about the objects of a source.
pub struct Site {
    source: Source,
    access: Access,
    packages: Packages,
    last_request: Mutex<Instant>,
}

impl Site {
    /// Creates a site.
    #[must_use]
    pub fn new(source: Source, access: Access) -> Self {
        Self {
            source,
            access,
            packages: Packages::default(),
            last_request: Mutex::new(Instant::now()),
        }
    }

    /// Shows repositories of packages too.
    #[must_use]
    pub fn with_packages(mut self, packages: Packages) -> Self {
        self.packages = packages;
        self
    }

    /// Serves the site until `stop` completes, or, with `idle`, no request arrives for this time.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        idle: Option<Duration>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let site = Arc::new(self);
        let unused = Arc::clone(&site);
        let stop = async move {
            tokio::select! {
                () = stop => {}
                () = unused.wait_until_idle(idle) => {}
            }
        };
        axum::serve(listener, Self::routes(site))
            .with_graceful_shutdown(stop)
            .await
    }

    /// Waits until no request has arrived for this time.
    async fn wait_until_idle(&self, idle: Option<Duration>) {
        let Some(idle) = idle else {
            return std::future::pending().await;
        };
        loop {
            let last = *self.last_request.lock();
            let left = idle.saturating_sub(last.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// Returns the router of all pages.
    pub fn router(self) -> Router {
        Self::routes(Arc::new(self))
    }

    fn routes(site: Arc<Self>) -> Router {
        Router::new()
            .route("/sign-in", get(sign_in).post(keep_token))
            .route("/sign-out", post(forget_token))
            .route("/healthz", get(healthz))
            .route("/style.css", get(style))
            .route("/icon.svg", get(icon))
            .route("/", page(page::overview::page))
            .route("/records", page(page::records::page))
            .route("/records/{kind}/{name}", page(page::record::page))
            .route(
                "/records/{kind}/{namespace}/{name}",
                page(page::record::page),
            )
            .route("/workflows", page(page::consumers::workflows))
            .route(
                "/workflows/{namespace}/{name}",
                page(page::consumer::workflow),
            )
            .route("/bindings", page(page::consumers::bindings))
            .route(
                "/bindings/{namespace}/{name}",
                page(page::consumer::binding),
            )
            .route("/try", page(page::attempt::page))
            .route("/where", page(page::locations::page))
            .route("/map", page(page::zones::page))
            .route("/packages", package_page(page::packages::page))
            .route("/packages/{type}/{name}", package_page(page::package::page))
            .route(
                "/packages/{type}/{name}/{version}",
                package_page(page::package_version::page),
            )
            .route("/repositories", package_page(page::repositories::page))
            .fallback(page(page::missing))
            .layer(from_fn_with_state(Arc::clone(&site), authenticate))
            .with_state(site)
    }
}

/// Answers probes. It sends no request to the API server: without a token, there is nothing to ask.
async fn healthz() -> Response {
    reply::text("ok\n")
}

async fn style() -> Response {
    reply::asset(
        "text/css; charset=utf-8",
        include_str!("../assets/style.css"),
    )
}

async fn icon() -> Response {
    reply::asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

async fn sign_in(State(site): State<Arc<Site>>) -> Response {
    page::sign_in::form(&site.source)
}

async fn keep_token(State(site): State<Arc<Site>>, body: Bytes) -> Response {
    page::sign_in::submitted(&site.source, &body)
}

async fn forget_token() -> Response {
    reply::redirect("/sign-in", &forwarded::removal())
}

/// Decides who sent a request.
async fn authenticate(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    match site.access.decide(request.method(), uri, headers) {
        Decision::Allow(caller) => {
            *site.last_request.lock() = Instant::now();
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Decision::Exchange { cookie, path } => reply::redirect(&path, &[cookie]),
        Decision::SignIn => page::sign_in::required(&site.source, uri),
        Decision::Deny(status, failure) => {
            page::problem(&site.source, uri, &Problem::new(status, failure))
        }
    }
}

/// Creates the handler of a page.
fn page(show: fn(&Visit) -> Reply) -> MethodRouter<Arc<Site>> {
    get(
        move |State(site): State<Arc<Site>>, request: Request| async move {
            let uri = request.uri().clone();
            let caller = request.extensions().get::<Caller>().cloned();
            match visit(&site, &uri, caller, show).await {
                Ok(response) => response,
                Err(problem) => page::problem(&site.source, &uri, &problem),
            }
        },
    )
}

/// Creates the handler of a page about packages, which queries their repositories.
fn package_page<F: Future<Output = Reply> + Send + 'static>(
    show: fn(PackageVisit) -> F,
) -> MethodRouter<Arc<Site>> {
    get(
        move |State(site): State<Arc<Site>>, request: Request| async move {
            let uri = request.uri().clone();
            let caller = request.extensions().get::<Caller>().cloned();
            let reply = match accept(&site, &uri, caller) {
                Ok((caller, frame)) => {
                    let packages = match caller {
                        Caller::Owner => site.packages.clone(),
                        Caller::Token { .. } => Packages::Hidden,
                    };
                    show(PackageVisit::new(frame, packages)).await
                }
                Err(problem) => Err(problem),
            };
            match reply {
                Ok(response) => response,
                Err(problem) => page::problem(&site.source, &uri, &problem),
            }
        },
    )
}

/// Checks a request before its page is created.
fn accept(site: &Site, uri: &Uri, caller: Option<Caller>) -> Result<(Caller, Frame), Problem> {
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > MAX_ADDRESS {
        let failure = Failure::new(format!("the address is longer than {MAX_ADDRESS} bytes"));
        return Err(Problem::new(StatusCode::URI_TOO_LONG, failure));
    }
    let Some(caller) = caller else {
        let failure = Failure::new("not authenticated");
        return Err(Problem::new(StatusCode::UNAUTHORIZED, failure));
    };
    let frame = Frame::new(uri.clone(), site.source.describe(), caller.is_signed_in());
    Ok((caller, frame))
}

async fn visit(site: &Site, uri: &Uri, caller: Option<Caller>, show: fn(&Visit) -> Reply) -> Reply {
    let (caller, frame) = accept(site, uri, caller)?;
    let snapshot = site.source.snapshot(&caller).await?;
    let visit = Visit::new(frame, snapshot);
    let shown = tokio::task::spawn_blocking(move || show(&visit)).await;
    shown.unwrap_or_else(|_| {
        let failure = Failure::new("failed to create the page");
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, failure))
    })
}
