//! A registry that serves the repositories of a configuration.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::config::{Config, Environment, Flags, Places};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::folder::{Folder, Settings as FolderSettings};
use extension_registry_packages::repository::{Release, Repository, Upload};
use extension_registry_packages::signature::{Signature, Statement, minisign};
use extension_registry_packages::workspace::{Clock, Workspace};
use extension_registry_web::oci::{Anonymous, Authorizer, Settings, router};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::contract::Bench;

/// A machine with repositories and a trusted key.
pub(crate) struct Desk {
    pub(crate) bench: Bench,
    public: String,
    secret: Sensitive,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = minisign::generate(None).unwrap();
        Self {
            bench: Bench::new(),
            public: key.public.trim_end().to_owned(),
            secret: key.secret,
        }
    }

    pub(crate) fn root(&self, id: &str) -> PathBuf {
        self.bench.path().join("repositories").join(id)
    }

    pub(crate) fn folder(&self, id: &str) -> Folder {
        Folder::new(FolderSettings {
            id: id.to_owned(),
            root: self.root(id),
        })
    }

    /// Publishes and signs.
    pub(crate) async fn publish(&self, repository: &dyn Repository, upload: &Upload) -> Release {
        let release = repository.publish(upload, false, &Silent).await.unwrap();
        let signature = self.signature(upload);
        repository.sign(&release, &signature).await.unwrap();
        release
    }

    pub(crate) fn signature(&self, upload: &Upload) -> Signature {
        let statement = Statement::of_upload(upload);
        minisign::sign(&statement, &self.secret, None).unwrap()
    }

    /// The configuration of a folder.
    pub(crate) fn folder_toml(&self, id: &str) -> String {
        let root = self.root(id);
        format!(
            "[[repository]]\nname = \"{id}\"\nkind = \"folder\"\nurl = \"{}\"\n",
            root.display()
        )
    }

    /// A workspace that trusts the key for every package, or warns only.
    pub(crate) fn workspace(&self, cache: &str, mode: &str, toml: &str) -> Workspace {
        let home = self.bench.path().join(cache);
        let user = home.join("packages.toml");
        let text = format!(
            "{toml}\n[cache]\npath = \"{}\"\n[trust]\nmode = \"{mode}\"\n[[trust.rule]]\n\
             repositories = [\"*\"]\nnames = [\"*\"]\n[[trust.rule.key]]\nname = \"alice\"\n\
             public = \"\"\"\n{}\"\"\"\n",
            home.join("cache").display(),
            self.public
        );
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(&user, text).unwrap();
        let places = Places {
            user: Some(user),
            ..Places::default()
        };
        let home = home.to_str().unwrap().to_owned();
        let environment = Environment::from_iter([("HOME".to_owned(), home)]);
        let config = Config::load(&places, &environment, &Flags::default()).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        let opened = Workspace::open(config, &environment, Clock::system());
        opened.unwrap().0
    }
}

/// A running registry.
pub(crate) struct Registry {
    pub(crate) host: String,
    client: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Registry {
    pub(crate) async fn start(workspace: Workspace) -> Self {
        Self::with(workspace, Arc::new(Anonymous), Settings::default()).await
    }

    pub(crate) async fn with(
        workspace: Workspace,
        authorizer: Arc<dyn Authorizer>,
        settings: Settings,
    ) -> Self {
        let (router, warnings) = router(Arc::new(workspace), authorizer, settings).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        Self::of(router).await
    }

    /// Serves any routes.
    pub(crate) async fn of(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            host,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            server,
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Response {
        let mut request = self
            .client
            .request(method, format!("http://{}{path}", self.host));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None).await
    }

    /// The JSON of a successful response.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path).await;
        let status = response.status();
        let bytes = response.bytes().await.unwrap().to_vec();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        bytes
    }

    /// Status, code and message of an error.
    pub(crate) async fn fault(&self, path: &str) -> (u16, String, String) {
        fault(self.get(path).await).await
    }
}

/// Status, code and message of an error in the format of the protocol.
pub(crate) async fn fault(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    assert_eq!(header(&response, "content-type"), "application/json");
    let value: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let text = |key: &str| value["errors"][0][key].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    let value = value.map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}
