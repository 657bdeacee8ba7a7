//! Registries over http for the program: real ones, and those that answer what no real one does on demand.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

#[path = "../../../package-repository/tests/quirk/mod.rs"]
pub(crate) mod quirk;

#[path = "../../../package-repository/tests/file_server/mod.rs"]
pub(crate) mod file_server;
pub(crate) mod gitea;
pub(crate) mod secure;

use std::path::Path;

use axum::response::Response;
use file_server::FileServer;
use quirk::{RecordedRequest, Server, answer};
use tokio::runtime::{Builder, Runtime};

/// A server that answers while the program runs.
pub(crate) struct Registry {
    server: Server,
    /// What the server runs in.
    _runtime: Runtime,
}

impl Registry {
    /// A real registry.
    pub(crate) fn real() -> Self {
        Self::start(Server::registry())
    }

    /// A real registry, unless a function answers for it.
    pub(crate) fn before(
        before: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Server::before(before))
    }

    /// Something else, which a function answers for.
    pub(crate) fn of(
        answered: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Server::of(answered))
    }

    fn start(server: impl Future<Output = Server>) -> Self {
        let runtime = runtime();
        Self {
            server: runtime.block_on(server),
            _runtime: runtime,
        }
    }

    /// Its host and port.
    pub(crate) fn host(&self) -> String {
        self.server.host()
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// A repository of the configuration, with more keys.
    pub(crate) fn repository(&self, name: &str, more: &str) -> String {
        let url = self.server.url("/extensions");
        format!("[[repository]]\nname = \"{name}\"\nkind = \"oci\"\nurl = \"{url}\"\n{more}\n")
    }

    /// What it was asked, so far.
    pub(crate) fn asked(&self) -> Vec<RecordedRequest> {
        self.server.asked()
    }

    /// Lines of what it was asked since the last time: `GET /v2/`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.lines()
    }
}

/// Files over http, as Maven repositories are served.
pub(crate) struct Files {
    pub(crate) server: FileServer,
    _runtime: Runtime,
}

impl Files {
    /// Those of a folder.
    pub(crate) fn of(root: &Path) -> Self {
        let runtime = runtime();
        Self {
            server: runtime.block_on(FileServer::start(root)),
            _runtime: runtime,
        }
    }
}

/// It goes on while a test waits for the program.
fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// The header of somebody with a name and the password `a-good-word`.
pub(crate) const BASIC: &str = "Basic bWU6YS1nb29kLXdvcmQ=";

/// A refusal, unless a header is shown. It names the way to ask.
pub(crate) fn unless_shown(
    asked: &RecordedRequest,
    wanted: &str,
    challenge: &str,
) -> Option<Response> {
    let is_shown = asked.header("authorization") == Some(wanted);
    let refused = || {
        let headers = [
            ("www-authenticate", challenge),
            ("content-type", "application/json"),
        ];
        let fault = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
        answer(401, &headers, fault)
    };
    (!is_shown).then(refused)
}

/// Whether a request may change something.
pub(crate) fn writes(line: &str) -> bool {
    !line.starts_with("GET ") && !line.starts_with("HEAD ")
}
