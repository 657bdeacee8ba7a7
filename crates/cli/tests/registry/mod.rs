//! Registries over http for the program: real ones, and those that answer what no real one does on demand.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

#[path = "../../../packages/tests/quirk/mod.rs"]
pub(crate) mod quirk;

use axum::response::Response;
use quirk::{Asked, Server};
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
        before: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Server::before(before))
    }

    fn start(server: impl Future<Output = Server>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
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
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Lines of what it was asked since the last time: `GET /v2/`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.lines()
    }
}

/// Whether a request may change something.
pub(crate) fn writes(line: &str) -> bool {
    !line.starts_with("GET ") && !line.starts_with("HEAD ")
}
