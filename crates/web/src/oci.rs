//! A read-only OCI registry with the packages of all repositories (distribution-spec 1.1).
//!
//! The repository of a package is `REPOSITORY/NAME`, and its tags are its versions. Packages of an OCI registry keep
//! their digests; those of other repositories have the manifests that mirroring them to a registry would write.
//! Nothing is served that the trust policy rejects.

mod authorize;
mod authorizer;
mod basic;
mod blob;
mod fault;
mod held;
mod list;
mod manifest;
mod page;
mod reply;
mod route;
mod served;
mod settings;
mod shelf;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::workspace::Workspace;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};

pub use authorize::Kubernetes;
pub use authorizer::{Anonymous, AuthorizeError, Authorizer, Caller};
pub use settings::{Extension, Settings, SettingsError};

use fault::Fault;
use page::Query;
use route::Route;
use shelf::Shelf;

/// Header that clients of the Docker registry API expect.
const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A registry.
#[derive(Debug)]
struct Registry {
    shelf: Shelf,
    authorizer: Arc<dyn Authorizer>,
    extension: Option<Extension>,
}

/// Creates the routes below `/v2/`, and returns warnings about repositories that are not served.
///
/// # Errors
/// Returns an error if the name of the extension is reserved or invalid.
pub fn router(
    workspace: Arc<Workspace>,
    authorizer: Arc<dyn Authorizer>,
    settings: Settings,
) -> Result<(Router, Vec<Note>), SettingsError> {
    settings.check()?;
    let (shelf, warnings) = Shelf::open(workspace, settings.refresh);
    let registry = Registry {
        shelf,
        authorizer,
        extension: settings.extension,
    };
    let router = Router::new()
        .route("/v2", any(serve))
        .route("/v2/", any(serve))
        .route("/v2/{*path}", any(serve))
        .with_state(Arc::new(registry));
    Ok((router, warnings))
}

async fn serve(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    // No request of a read-only registry has a body.
    let (parts, _) = request.into_parts();
    let mut response = match registry.answer(&parts).await {
        Ok(response) => response,
        Err(fault) => fault.into_response(),
    };
    let version = HeaderValue::from_static("registry/2.0");
    response.headers_mut().insert(VERSION, version);
    response
}

impl Registry {
    async fn answer(&self, request: &Parts) -> Result<Response, Fault> {
        let is_head = request.method == Method::HEAD;
        if !is_head && request.method != Method::GET {
            return Err(Fault::unsupported());
        }
        let (uri, headers) = (&request.uri, &request.headers);
        let extension = self.extension.as_ref();
        let name = extension.map(|extension| extension.name.as_str());
        let route = Route::parse(uri.path(), name);
        let caller = self.authorizer.authenticate(headers).await;
        let caller = caller.map_err(|error| Fault::of_authorizer(&error))?;
        let route = route?;
        if let Some(name) = route.package() {
            let path = format!("/v2/{}", name.path());
            let may = self.authorizer.may_read(&caller, &path).await;
            // The response is the same whether the package exists or not.
            if !may.map_err(|error| Fault::of_authorizer(&error))? {
                return Err(Fault::denied(format!("no permission to get {path}")));
            }
        }
        let (packages, query) = (&self.shelf, Query::parse(uri.query()));
        let access = (&*self.authorizer, &caller);
        match &route {
            Route::Base => Ok(reply::json(&serde_json::json!({}), is_head)),
            Route::Catalog => list::catalog(packages, access, &query, is_head).await,
            Route::Discover(None) => Ok(list::extensions(extension, is_head)),
            Route::Discover(Some(_)) => Ok(list::extensions(None, is_head)),
            Route::Search => list::search(packages, access, (uri.path(), &query), is_head).await,
            Route::Manifest(name, reference) => {
                manifest::get(packages, (name, reference), headers, is_head).await
            }
            Route::Blob(name, digest) => {
                blob::get(packages, (name, *digest), headers, is_head).await
            }
            Route::Tags(name) => manifest::tags(packages, name, &query, is_head).await,
            Route::Referrers(name, digest) => {
                manifest::referrers(packages, (name, *digest), &query, is_head).await
            }
        }
    }
}
