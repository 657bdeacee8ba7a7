//! A signed-in browser of a site about packages.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::package;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::{Repository, Upload};
use extension_registry_packages::workspace::Workspace;
use extension_registry_query::Settings;
use extension_registry_web::access::{Access, Local};
use extension_registry_web::{FileSource, Packages, Site, Source};
use http::Request;
use serde_json::Value;
use tower::ServiceExt;

use crate::registry::Desk;

const AUTHORITY: &str = "127.0.0.1:4711";

pub(crate) struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    pub(crate) async fn open(workspace: Workspace) -> Self {
        Self::of(Packages::Open(Arc::new(workspace))).await
    }

    pub(crate) async fn of(packages: Packages) -> Self {
        let access = Local::new(AUTHORITY.to_owned()).unwrap();
        let url = access.url();
        let source = Source::Files(FileSource::new(Vec::new(), Settings::default()));
        let site = Site::new(source, Access::Local(access)).with_packages(packages);
        let router = site.router();
        let key = url.split_once(AUTHORITY).unwrap().1;
        let request = Request::get(key).header("host", AUTHORITY);
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap());
        let response = response.await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { router, cookie }
    }

    /// Status and text of a page.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let request = Request::get(path)
            .header("host", AUTHORITY)
            .header("cookie", &self.cookie);
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap());
        let response = response.await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Text of a page that exists.
    pub(crate) async fn page(&self, path: &str) -> String {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path).await).unwrap()
    }
}

/// Builds a package from its manifest and its document.
pub(crate) fn built(desk: &Desk, manifest: &str, readme: &[u8]) -> Upload {
    let folder = tempfile::tempdir_in(desk.bench.path()).unwrap().keep();
    fs::create_dir(folder.join("templates")).unwrap();
    fs::write(folder.join("extension.yaml"), manifest).unwrap();
    fs::write(folder.join("README.md"), readme).unwrap();
    let template = "spec:\n  product: tool\n";
    fs::write(folder.join("templates/main.yaml"), template).unwrap();
    package::build(&folder, &folder.with_extension("tar.gz"), Limits::default()).unwrap()
}

/// Publishes without a signature.
pub(crate) async fn publish(repository: &dyn Repository, upload: &Upload) {
    repository.publish(upload, false, &Silent).await.unwrap();
}
